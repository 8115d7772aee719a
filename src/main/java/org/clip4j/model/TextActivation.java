package org.clip4j.model;

import java.util.Arrays;
import java.util.List;

/** Names the activation of a text encoder's MLPs, see {@link EncoderConfig}. */
public enum TextActivation {
  GELU(Activation.GELU, "gelu", "gelu_python"),
  /** GELU by its tanh approximation. */
  GELU_TANH(
      Activation.GELU_TANH,
      "gelu_new",
      "gelu_pytorch_tanh",
      "gelu_python_tanh",
      "gelu_fast",
      "gelu_accurate"),
  QUICK_GELU(Activation.QUICK_GELU, "quick_gelu"),
  RELU(Activation.RELU, "relu");

  final Activation kernel;
  private final List<String> names;

  TextActivation(Activation kernel, String... names) {
    this.kernel = kernel;
    this.names = List.of(names);
  }

  /** Returns the name of it in transformers. */
  String hfName() {
    return names.get(0);
  }

  static List<String> hfNames() {
    return Arrays.stream(values()).flatMap(value -> value.names.stream()).toList();
  }

  /** Returns the one of a name in transformers, which {@link #hfNames} has. */
  static TextActivation of(String hfName) {
    return Arrays.stream(values())
        .filter(value -> value.names.contains(hfName))
        .findFirst()
        .orElseThrow();
  }
}
