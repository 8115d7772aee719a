package org.clip4j.weights;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ParameterSpec;

/**
 * The names of transformers' {@code CLIPModel} (models/clip/modeling_clip.py). Its attention keeps
 * queries, keys and values apart where OpenCLIP stacks them, and its projections are linear layers
 * [E, D] where OpenCLIP multiplies by matrices [D, E].
 */
final class TransformersKeys {
  /** Each * stands for one part of a name and is carried over. */
  private record Rule(Pattern canonical, boolean transposed, List<String> stored) {
    static Rule of(String canonical, String... stored) {
      return new Rule(pattern(canonical), false, List.of(stored));
    }

    static Rule transposed(String canonical, String stored) {
      return new Rule(pattern(canonical), true, List.of(stored));
    }

    private static Pattern pattern(String canonical) {
      return Pattern.compile(canonical.replace(".", "\\.").replace("*", "([^.]+)"));
    }
  }

  private static final List<Rule> RULES = rules();

  private TransformersKeys() {}

  private static List<Rule> rules() {
    List<Rule> rules = new ArrayList<>();
    rules.add(Rule.of("logit_scale", "logit_scale"));
    rules.add(Rule.transposed("visual.proj", "visual_projection.weight"));
    rules.add(Rule.of("visual.class_embedding", "vision_model.embeddings.class_embedding"));
    rules.add(Rule.of("visual.conv1.weight", "vision_model.embeddings.patch_embedding.weight"));
    rules.add(
        Rule.of(
            "visual.positional_embedding", "vision_model.embeddings.position_embedding.weight"));
    rules.add(Rule.of("visual.ln_pre.*", "vision_model.pre_layrnorm.*")); // sic
    rules.add(Rule.of("visual.ln_post.*", "vision_model.post_layernorm.*"));
    rules.add(Rule.transposed("text_projection", "text_projection.weight"));
    rules.add(Rule.of("token_embedding.weight", "text_model.embeddings.token_embedding.weight"));
    rules.add(Rule.of("positional_embedding", "text_model.embeddings.position_embedding.weight"));
    rules.add(Rule.of("ln_final.*", "text_model.final_layer_norm.*"));
    blocks(rules, "visual.transformer.resblocks.*.", "vision_model.encoder.layers.*.");
    blocks(rules, "transformer.resblocks.*.", "text_model.encoder.layers.*.");
    return rules;
  }

  private static void blocks(List<Rule> rules, String from, String to) {
    rules.add(Rule.of(from + "ln_1.*", to + "layer_norm1.*"));
    rules.add(
        Rule.of(
            from + "attn.in_proj_*",
            to + "self_attn.q_proj.*",
            to + "self_attn.k_proj.*",
            to + "self_attn.v_proj.*"));
    rules.add(Rule.of(from + "attn.out_proj.*", to + "self_attn.out_proj.*"));
    rules.add(Rule.of(from + "ln_2.*", to + "layer_norm2.*"));
    rules.add(Rule.of(from + "mlp.c_fc.*", to + "mlp.fc1.*"));
    rules.add(Rule.of(from + "mlp.c_proj.*", to + "mlp.fc2.*"));
  }

  static List<KeyMap.Mapping> mappings(ClipConfig config) {
    TransformersConfig.requireExpressible(config);
    return ParameterSpec.of(config).stream().map(TransformersKeys::mapping).toList();
  }

  private static KeyMap.Mapping mapping(ParameterSpec spec) {
    for (Rule rule : RULES) {
      Matcher matcher = rule.canonical.matcher(spec.name());
      if (matcher.matches()) {
        long[] shape = storedShape(spec, rule);
        List<SafeTensorsWriter.Entry> stored = new ArrayList<>();
        for (String template : rule.stored) {
          String name = template;
          for (int group = 1; group <= matcher.groupCount(); group++) {
            name = name.replaceFirst("\\*", matcher.group(group));
          }
          stored.add(new SafeTensorsWriter.Entry(name, TensorType.F32, shape));
        }
        return new KeyMap.Mapping(spec, stored, rule.transposed);
      }
    }
    throw new IllegalArgumentException(
        "transformers' CLIPModel has no place for '" + spec.name() + "'; save as OPENCLIP instead");
  }

  private static long[] storedShape(ParameterSpec spec, Rule rule) {
    long[] shape = spec.shape().clone();
    if (rule.transposed) {
      return new long[] {shape[1], shape[0]};
    }
    if (rule.stored.size() > 1) {
      if (shape[0] % rule.stored.size() != 0) {
        throw new IllegalArgumentException(
            spec.name() + " " + Arrays.toString(shape) + " does not divide by 3");
      }
      shape[0] /= rule.stored.size();
    }
    return shape;
  }
}
