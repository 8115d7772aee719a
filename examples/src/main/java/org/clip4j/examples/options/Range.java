package org.clip4j.examples.options;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.lang.reflect.AnnotatedElement;
import java.lang.reflect.Array;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/** The numbers that an option takes, so that what is wrong is said by the option's own name. */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.FIELD)
public @interface Range {
  /** The least. */
  double min() default Double.NEGATIVE_INFINITY;

  /** The greatest. */
  double max() default Double.POSITIVE_INFINITY;

  /** What the number is above or below, in place of {@link #min} or {@link #max}. */
  double above() default Double.NEGATIVE_INFINITY;

  /** As {@link #above}. */
  double below() default Double.POSITIVE_INFINITY;

  /** Checks what was parsed. */
  final class Check {
    private Check() {}

    /**
     * Checks every number of a command and its subcommands.
     *
     * @throws ParameterException naming the option, the range and what was found
     */
    public static void all(ParseResult parsed) {
      for (ParseResult each = parsed; each != null; each = each.subcommand()) {
        for (OptionSpec option : each.commandSpec().options()) {
          Object value = option.getValue();
          if (of(option) != null && value != null) {
            for (Object number : numbers(value)) {
              check(each, option, (Number) number);
            }
          }
        }
      }
    }

    /** A number, those of an array, or the values of KEY=NUMBER. */
    private static Collection<?> numbers(Object value) {
      if (value instanceof Map<?, ?> map) {
        return map.values();
      }
      return value.getClass().isArray()
          ? IntStream.range(0, Array.getLength(value)).mapToObj(i -> Array.get(value, i)).toList()
          : List.of(value);
    }

    /** Null if there is none. */
    public static Range of(OptionSpec option) {
      return option.userObject() instanceof AnnotatedElement field
          ? field.getAnnotation(Range.class)
          : null;
    }

    private static void check(ParseResult parsed, OptionSpec option, Number number) {
      Range range = of(option);
      double value = number.doubleValue();
      if (!(value >= range.min()
          && value <= range.max()
          && value > range.above()
          && value < range.below())) {
        throw new ParameterException(
            parsed.commandSpec().commandLine(),
            option.longestName() + " must be " + words(range) + ", found " + shown(value));
      }
    }

    private static String words(Range range) {
      String low =
          Double.isFinite(range.min())
              ? "at least " + shown(range.min())
              : Double.isFinite(range.above()) ? "above " + shown(range.above()) : "";
      String high =
          Double.isFinite(range.max())
              ? "at most " + shown(range.max())
              : Double.isFinite(range.below()) ? "below " + shown(range.below()) : "";
      return low + (low.isEmpty() || high.isEmpty() ? "" : " and ") + high;
    }

    private static String shown(double value) {
      return value == Math.rint(value)
          ? String.format(Locale.ROOT, "%.0f", value)
          : String.valueOf(value);
    }
  }
}
