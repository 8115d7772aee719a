package org.clip4j.model;

import org.clip4j.engine.internal.LinearKernels;

/** The activation of a tower's MLPs, as TorchScript over {@code y}. */
enum Activation {
  GELU("torch.gelu(y)", "torch.gelu_(y)", "gelu", "none", 1, "torch.gelu_(y)"),
  /** GELU by its tanh approximation (Hendrycks and Gimpel 2016). */
  GELU_TANH(
      "torch.gelu(y, approximate=\"tanh\")",
      "torch.gelu_(y, approximate=\"tanh\")",
      "gelu",
      "tanh",
      1,
      "torch.gelu_(y, approximate=\"tanh\")"),
  /** y sigmoid(1.702 y), which is SiLU of 1.702 y, divided by 1.702. */
  QUICK_GELU(
      "torch.mul(y, torch.sigmoid(torch.mul(y, 1.702)))",
      "torch.mul_(y, torch.sigmoid_(torch.mul(y, 1.702)))",
      "swish",
      "none",
      1.702,
      "torch.silu_(y)"),
  /** Of CLIPSeg's decoder, and of M2M-100. */
  RELU("torch.relu(y)", "torch.relu_(y)", "relu", "none", 1, "torch.relu_(y)"),
  /** y sigmoid(y), of SwiGLU (Shazeer 2020). */
  SILU("torch.silu(y)", "torch.silu_(y)", "swish", "none", 1, "torch.silu_(y)");

  final String source;

  /** Where {@code source} is not recorded for a backward pass, it may overwrite its input. */
  final LinearKernels.FusedActivation inference;

  Activation(
      String source,
      String inPlace,
      String onednn,
      String algorithm,
      double factor,
      String scaled) {
    this.source = source;
    inference = new LinearKernels.FusedActivation(inPlace, onednn, algorithm, factor, scaled);
  }

  /** Returns the activation of a tower's options, of which the approximation of GELU goes first. */
  static Activation of(boolean tanhGelu, boolean quickGelu) {
    return tanhGelu ? GELU_TANH : quickGelu ? QUICK_GELU : GELU;
  }
}
