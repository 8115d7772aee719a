package org.clip4j.model;

import java.util.ArrayList;
import java.util.List;

/**
 * Every parameter and buffer of OpenCLIP's {@code CLIP} and {@code CustomTextCLIP}, in the order in
 * which their constructors make them.
 */
final class ParameterSpecs {
  private ParameterSpecs() {}

  static List<ParameterSpec> of(ClipConfig config) {
    List<ParameterSpec> specs = new ArrayList<>();
    String text = textPrefix(config);
    Parameters textParameters = TextTransformer.parameters(config);
    if (!config.customText()) {
      specs.addAll(textParameters.beforeBlocks(text));
    }
    Parameters loss =
        new Parameters().add("logit_scale", Parameters.constant(config.initLogitScale()));
    if (config.isSigmoid()) {
      loss.add("logit_bias", Parameters.constant(config.initLogitBias()));
    }
    specs.addAll(loss.afterBlocks(""));
    vision(specs, config);
    if (config.customText()) {
      specs.addAll(textParameters.beforeBlocks(text));
    }
    ResidualAttentionBlock.Kind kind =
        ResidualAttentionBlock.Kind.of(config.text(), config.textActivation());
    blocks(specs, text + TextTransformer.BLOCKS, kind, config.text().layers());
    specs.addAll(textParameters.afterBlocks(text));
    return specs;
  }

  private static void vision(List<ParameterSpec> specs, ClipConfig config) {
    VisionConfig vision = config.vision();
    if (vision.isResNet()) {
      ModifiedResNet.parts(vision, config.embedDim())
          .forEach((prefix, part) -> specs.addAll(part.afterBlocks(prefix)));
      return;
    }
    boolean sigLip = vision.isSigLip();
    String prefix = sigLip ? SigLipVisionTransformer.PREFIX : VisionTransformer.PREFIX;
    Parameters own =
        sigLip
            ? SigLipVisionTransformer.parameters(vision)
            : VisionTransformer.parameters(vision, config.embedDim());
    String blocks = sigLip ? SigLipVisionTransformer.BLOCKS : VisionTransformer.BLOCKS;
    specs.addAll(own.beforeBlocks(prefix));
    ResidualAttentionBlock.Kind kind =
        ResidualAttentionBlock.Kind.of(vision, config.visionActivation());
    blocks(specs, blocks, kind, vision.layers().get(0));
    specs.addAll(own.afterBlocks(prefix));
  }

  private static void blocks(
      List<ParameterSpec> specs, String prefix, ResidualAttentionBlock.Kind kind, int layers) {
    Parameters block = ResidualAttentionBlock.parameters(kind);
    for (int i = 0; i < layers; i++) {
      specs.addAll(block.afterBlocks(prefix + i + "."));
    }
  }

  /** What stands before the names of the text tower's parameters. */
  static String textPrefix(ClipConfig config) {
    return config.customText() ? "text." : "";
  }
}
