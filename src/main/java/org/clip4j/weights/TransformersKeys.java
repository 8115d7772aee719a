package org.clip4j.weights;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ParameterSpec;
import org.clip4j.weights.safetensors.SafeTensorsWriter;
import org.clip4j.weights.tensors.TensorType;

/**
 * The names of transformers' {@code CLIPModel} (models/clip/modeling_clip.py), which {@code
 * MetaClip2Model} shares, of its {@code ChineseCLIPModel}, and of its {@code SiglipModel}, which
 * {@code Siglip2Model} shares. Their attention keeps queries, keys and values apart where OpenCLIP
 * stacks them, but for SigLIP's pooling head, where it is the other way round; CLIP's projections
 * are linear layers [E, D] where OpenCLIP multiplies by matrices [D, E].
 */
final class TransformersKeys {
  /** How a stored tensor's shape differs from its parameter's; the values are the same. */
  private enum Form {
    SAME,
    /** [1] for a scalar. */
    VECTOR,
    /** Without the leading 1. */
    FLAT,
    /** The transpose. */
    TRANSPOSED
  }

  /** Each * stands for one part of a name and is carried over. */
  private record Rule(Form form, List<Pattern> canonical, List<String> stored) {
    static Rule of(String canonical, String... stored) {
      return of(Form.SAME, canonical, stored);
    }

    static Rule of(Form form, String canonical, String... stored) {
      return new Rule(form, List.of(pattern(canonical)), List.of(stored));
    }

    private static Pattern pattern(String canonical) {
      return Pattern.compile(canonical.replace(".", "\\.").replace("*", "([^.]+)"));
    }
  }

  private static final List<Rule> CLIP = clip();
  private static final List<Rule> SIGLIP = sigLip();
  private static final List<Rule> CHINESE_CLIP = chineseClip();

  private TransformersKeys() {}

  private static List<Rule> clip() {
    List<Rule> rules = clipImages();
    rules.add(Rule.of(Form.TRANSPOSED, "text_projection", "text_projection.weight"));
    textTower(rules);
    return rules;
  }

  private static List<Rule> chineseClip() {
    List<Rule> rules = clipImages();
    rules.add(Rule.of("proj.weight", "text_projection.weight"));
    rules.add(Rule.of("transformer.embeddings.*.*", "text_model.embeddings.*.*"));
    String from = "transformer.encoder.layer.*.";
    String to = "text_model.encoder.layer.*.";
    rules.add(Rule.of(from + "attention.*.*.*", to + "attention.*.*.*"));
    rules.add(Rule.of(from + "*.*.*", to + "*.*.*"));
    return rules;
  }

  private static List<Rule> clipImages() {
    List<Rule> rules = new ArrayList<>();
    rules.add(Rule.of("logit_scale", "logit_scale"));
    rules.add(Rule.of(Form.TRANSPOSED, "visual.proj", "visual_projection.weight"));
    rules.add(Rule.of("visual.class_embedding", "vision_model.embeddings.class_embedding"));
    rules.add(Rule.of("visual.conv1.weight", "vision_model.embeddings.patch_embedding.weight"));
    rules.add(
        Rule.of(
            "visual.positional_embedding", "vision_model.embeddings.position_embedding.weight"));
    rules.add(Rule.of("visual.ln_pre.*", "vision_model.pre_layrnorm.*")); // sic
    rules.add(Rule.of("visual.ln_post.*", "vision_model.post_layernorm.*"));
    openClipBlocks(rules, "visual.transformer.resblocks.*.", "vision_model.encoder.layers.*.");
    return rules;
  }

  private static List<Rule> sigLip() {
    List<Rule> rules = new ArrayList<>();
    rules.add(Rule.of(Form.VECTOR, "logit_scale", "logit_scale"));
    rules.add(Rule.of(Form.VECTOR, "logit_bias", "logit_bias"));
    String trunk = "visual.trunk.";
    rules.add(Rule.of(trunk + "patch_embed.proj.*", "vision_model.embeddings.patch_embedding.*"));
    rules.add(
        Rule.of(
            Form.FLAT, trunk + "pos_embed", "vision_model.embeddings.position_embedding.weight"));
    String from = trunk + "blocks.*.";
    String to = "vision_model.encoder.layers.*.";
    rules.add(Rule.of(from + "norm1.*", to + "layer_norm1.*"));
    rules.add(attention(from + "attn.qkv.*", to));
    rules.add(Rule.of(from + "attn.proj.*", to + "self_attn.out_proj.*"));
    rules.add(Rule.of(from + "norm2.*", to + "layer_norm2.*"));
    rules.add(Rule.of(from + "mlp.*.*", to + "mlp.*.*"));
    rules.add(Rule.of(trunk + "norm.*", "vision_model.post_layernorm.*"));
    String pool = trunk + "attn_pool.";
    String head = "vision_model.head.";
    rules.add(Rule.of(pool + "latent", head + "probe"));
    rules.add(
        new Rule(
            Form.SAME,
            List.of(Rule.pattern(pool + "q.*"), Rule.pattern(pool + "kv.*")),
            List.of(head + "attention.in_proj_*")));
    rules.add(Rule.of(pool + "proj.*", head + "attention.out_proj.*"));
    rules.add(Rule.of(pool + "norm.*", head + "layernorm.*"));
    rules.add(Rule.of(pool + "mlp.*.*", head + "mlp.*.*"));
    rules.add(Rule.of("text_projection.*", "text_model.head.*"));
    textTower(rules);
    return rules;
  }

  private static void textTower(List<Rule> rules) {
    rules.add(Rule.of("token_embedding.weight", "text_model.embeddings.token_embedding.weight"));
    rules.add(Rule.of("positional_embedding", "text_model.embeddings.position_embedding.weight"));
    rules.add(Rule.of("ln_final.*", "text_model.final_layer_norm.*"));
    openClipBlocks(rules, "transformer.resblocks.*.", "text_model.encoder.layers.*.");
  }

  private static void openClipBlocks(List<Rule> rules, String from, String to) {
    rules.add(Rule.of(from + "ln_1.*", to + "layer_norm1.*"));
    rules.add(attention(from + "attn.in_proj_*", to));
    rules.add(Rule.of(from + "attn.out_proj.*", to + "self_attn.out_proj.*"));
    rules.add(Rule.of(from + "ln_2.*", to + "layer_norm2.*"));
    rules.add(Rule.of(from + "mlp.c_fc.*", to + "mlp.fc1.*"));
    rules.add(Rule.of(from + "mlp.c_proj.*", to + "mlp.fc2.*"));
  }

  private static Rule attention(String from, String to) {
    return Rule.of(
        from, to + "self_attn.q_proj.*", to + "self_attn.k_proj.*", to + "self_attn.v_proj.*");
  }

  static List<KeyMap.Mapping> mappings(ClipConfig config) {
    List<Rule> rules =
        switch (TransformersConfigWriter.kindFor(config)) {
          case CLIP, METACLIP_2, CLIPSEG -> CLIP;
          case CHINESE_CLIP -> CHINESE_CLIP;
          case SIGLIP, SIGLIP_2 -> SIGLIP;
        };
    // Parameters of one rule wait here for the others that are stored with them.
    Map<String, List<ParameterSpec>> waiting = new HashMap<>();
    List<KeyMap.Mapping> mappings = new ArrayList<>();
    for (ParameterSpec spec : ParameterSpec.of(config)) {
      KeyMap.Mapping mapping = mapping(rules, spec, waiting);
      if (mapping != null) {
        mappings.add(mapping);
      }
    }
    return mappings;
  }

  /** Null while other parameters of the same stored tensors are to come. */
  private static KeyMap.Mapping mapping(
      List<Rule> rules, ParameterSpec spec, Map<String, List<ParameterSpec>> waiting) {
    String name = spec.name().startsWith("text.") ? spec.name().substring(5) : spec.name();
    for (Rule rule : rules) {
      for (Pattern pattern : rule.canonical) {
        Matcher matcher = pattern.matcher(name);
        if (matcher.matches()) {
          List<String> names = rule.stored.stream().map(stored -> fill(stored, matcher)).toList();
          List<ParameterSpec> specs =
              waiting.computeIfAbsent(names.get(0), first -> new ArrayList<>());
          specs.add(spec);
          return specs.size() < rule.canonical.size() ? null : mapping(rule, specs, names);
        }
      }
    }
    throw new IllegalArgumentException(
        "transformers' models have no place for '" + spec.name() + "'; save as OPENCLIP instead");
  }

  private static String fill(String template, Matcher matcher) {
    String name = template;
    for (int group = 1; group <= matcher.groupCount(); group++) {
      name = name.replaceFirst("\\*", matcher.group(group));
    }
    return name;
  }

  private static KeyMap.Mapping mapping(Rule rule, List<ParameterSpec> specs, List<String> names) {
    long[] shape = specs.get(0).shape().stream().mapToLong(Long::longValue).toArray();
    for (ParameterSpec more : specs.subList(1, specs.size())) {
      shape[0] += more.shape().get(0);
    }
    long[] stored =
        switch (rule.form) {
          case SAME -> shape;
          case VECTOR -> new long[] {1};
          case FLAT -> Arrays.copyOfRange(shape, 1, shape.length);
          case TRANSPOSED -> new long[] {shape[1], shape[0]};
        };
    if (names.size() > 1) {
      stored[0] /= names.size();
    }
    List<SafeTensorsWriter.Entry> entries =
        names.stream()
            .map(name -> new SafeTensorsWriter.Entry(name, TensorType.F32, stored))
            .toList();
    return new KeyMap.Mapping(List.copyOf(specs), entries, rule.form == Form.TRANSPOSED);
  }
}
