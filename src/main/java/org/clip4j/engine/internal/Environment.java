package org.clip4j.engine.internal;

import ai.djl.Device;
import ai.djl.pytorch.jni.JniUtils;
import java.util.LinkedHashMap;
import java.util.Map;

/** What a computation's last bits may depend on besides its inputs. */
public final class Environment {
  private Environment() {}

  /** By name: versions of the library, PyTorch and Java, the platform, the device and threads. */
  public static Map<String, String> describe(Device device) {
    String version = Environment.class.getPackage().getImplementationVersion();
    Map<String, String> parts = new LinkedHashMap<>();
    parts.put("clip4j", version != null ? version : "not from a jar");
    parts.put("pytorch", Libtorch.engine().getVersion());
    parts.put("java", System.getProperty("java.version"));
    parts.put("platform", System.getProperty("os.name") + " " + System.getProperty("os.arch"));
    parts.put("device", device.toString());
    parts.put("computing threads", String.valueOf(JniUtils.getNumThreads()));
    return parts;
  }
}
