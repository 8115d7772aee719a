package org.clip4j.model;

import java.util.ArrayList;
import java.util.List;
import org.clip4j.model.ParameterSpec.Init;

/**
 * Every parameter and buffer of OpenCLIP's {@code CLIP} and {@code CustomTextCLIP}, in the order in
 * which their constructors make them.
 */
final class ParameterSpecs {
  private ParameterSpecs() {}

  static List<ParameterSpec> of(ClipConfig config) {
    TextDeclaration declared = TextDeclaration.of(config);
    Parameters own = declared.parameters();
    List<ParameterSpec> text = own.specs(declared.prefix());
    int before = config.customText() ? 0 : own.beforeBlocks();
    List<ParameterSpec> specs = new ArrayList<>(text.subList(0, before));
    Parameters loss = new Parameters().add("logit_scale", Init.constant(config.initLogitScale()));
    if (config.isSigmoid()) {
      loss.add("logit_bias", Init.constant(config.initLogitBias()));
    }
    specs.addAll(loss.specs(""));
    specs.addAll(ImageDeclaration.of(config).specs());
    specs.addAll(text.subList(before, text.size()));
    return specs;
  }
}
