package org.clip4j.engine.internal;

import ai.djl.engine.EngineException;
import ai.djl.util.Platform;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.clip4j.io.IoErrors;

/** Says what is missing where PyTorch's native library cannot be loaded. */
final class NativeLibraryHelp {
  private static final String LIBRARY = "native/lib/pytorch.properties";
  private static final String BRIDGE = "jnilib/pytorch.properties";

  private NativeLibraryHelp() {}

  /**
   * The error to tell.
   *
   * @param failure what DJL says
   */
  static EngineException of(Throwable failure) {
    Platform platform = Platform.fromSystem("pytorch");
    String message =
        message(platform, resource(LIBRARY), resource(BRIDGE), System.getenv(), reason(failure));
    return new EngineException(message, failure);
  }

  /** DJL wraps the reason, and says little itself. */
  private static String reason(Throwable failure) {
    String reason = IoErrors.message(failure);
    return failure.getCause() == null ? reason : reason + ": " + reason(failure.getCause());
  }

  /**
   * As {@link #of}, from all that it looks at.
   *
   * @param library what the jar of PyTorch on the class path says of itself; null without one
   * @param bridge what the jar of DJL's bridge says of itself; null without one
   */
  static String message(
      Platform platform,
      Properties library,
      Properties bridge,
      Map<String, String> environment,
      String reason) {
    String version = platform.getVersion();
    String bridgeVersion = version + "-" + platform.getApiVersion();
    String ofPlatform = platform.getOsPrefix() + "-" + platform.getOsArch();
    boolean installed = environment.containsKey("PYTORCH_LIBRARY_PATH");
    List<String> wanted = new ArrayList<>();
    if (!installed && (library == null || !ofPlatform.equals(library.getProperty("classifier")))) {
      wanted.add(
          "ai.djl.pytorch:pytorch-native-cpu:"
              + version
              + ":"
              + ofPlatform
              + (library == null
                  ? ""
                  : " (there is one of " + library.getProperty("classifier") + ")"));
    }
    if (bridge == null || !bridgeVersion.equals(bridge.getProperty("jni_version"))) {
      wanted.add(
          "ai.djl.pytorch:pytorch-jni:"
              + bridgeVersion
              + (bridge == null ? "" : " (there is " + bridge.getProperty("jni_version") + ")"));
    }
    if (wanted.isEmpty()) {
      return "PyTorch's native library could not be loaded on "
          + ofPlatform
          + (installed ? " from " + environment.get("PYTORCH_LIBRARY_PATH") : "")
          + ": "
          + reason;
    }
    return "PyTorch's native library is not on the class path. Add to the dependencies, in scope runtime: "
        + String.join(" and ", wanted)
        + ". Without them DJL downloads the library, which failed: "
        + reason;
  }

  private static Properties resource(String name) {
    ClassLoader loader = Thread.currentThread().getContextClassLoader();
    try (InputStream in =
        loader == null
            ? NativeLibraryHelp.class.getResourceAsStream("/" + name)
            : loader.getResourceAsStream(name)) {
      if (in == null) {
        return null;
      }
      Properties properties = new Properties();
      properties.load(in);
      return properties;
    } catch (IOException e) {
      return null; // as if it were not there: what reads it fails, too
    }
  }
}
