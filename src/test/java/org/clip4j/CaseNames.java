package org.clip4j;

import java.lang.reflect.Method;
import org.junit.jupiter.api.extension.DynamicTestInvocationContext;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;
import org.opentest4j.TestAbortedException;

/**
 * Puts the case's name before what a dynamic or parameterized test failed with, since Maven tells
 * their number only. Registered for all tests in META-INF/services.
 */
public final class CaseNames implements InvocationInterceptor {

  @Override
  public void interceptDynamicTest(
      Invocation<Void> test, DynamicTestInvocationContext dynamic, ExtensionContext context)
      throws Throwable {
    named(test, context.getDisplayName());
  }

  @Override
  public void interceptTestTemplateMethod(
      Invocation<Void> test, ReflectiveInvocationContext<Method> method, ExtensionContext context)
      throws Throwable {
    named(test, context.getDisplayName());
  }

  static void named(Invocation<Void> test, String name) throws Throwable {
    try {
      test.proceed();
    } catch (TestAbortedException e) {
      throw e;
    } catch (Exception | AssertionError e) {
      String what = e instanceof AssertionError ? e.getMessage() : e.toString();
      throw new AssertionError(name + ": " + what, e);
    }
  }
}
