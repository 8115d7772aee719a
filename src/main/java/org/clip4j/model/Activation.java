package org.clip4j.model;

/** The activation of a tower's MLPs, as TorchScript over {@code y}. */
enum Activation {
  GELU("torch.gelu(y)"),
  /** GELU by its tanh approximation (Hendrycks and Gimpel 2016). */
  GELU_TANH("torch.gelu(y, approximate=\"tanh\")"),
  QUICK_GELU("torch.mul(y, torch.sigmoid(torch.mul(y, 1.702)))");

  final String source;

  Activation(String source) {
    this.source = source;
  }
}
