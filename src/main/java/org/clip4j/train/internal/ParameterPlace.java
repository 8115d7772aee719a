package org.clip4j.train.internal;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipModel;
import org.clip4j.model.ParameterSpec;
import org.clip4j.model.StagedVisionConfig;

/**
 * Where in a model a parameter stands.
 *
 * @param tower its tower
 * @param part its part of the tower
 * @param block counted from 0 at the input; meaningless outside {@link Part#BLOCK}
 * @param blocks of its tower; 0 outside both
 */
public record ParameterPlace(Tower tower, Part part, int block, int blocks) {

  public enum Tower {
    IMAGE,
    TEXT,
    /** Logit scale and bias. */
    LOSS
  }

  public enum Part {
    /** What comes before the blocks: patches, tokens, positions, a stem of convolutions. */
    EMBEDDING,
    /** A residual attention block, or a block of a stage. */
    BLOCK,
    /** What comes after the blocks but for the projection: the last norm, attention pooling. */
    HEAD,
    /** The linear map into the shared space, and logit scale and bias. */
    PROJECTION
  }

  private static final Pattern BLOCK =
      Pattern.compile(
          "(?:resblocks|trunk\\.blocks|encoder\\.layer|transformer\\.(?:layers?|block))\\.(\\d+)\\.");

  /** A block of a stage, or what comes before the blocks in it, which goes with the first. */
  private static final Pattern STAGED =
      Pattern.compile(
          "visual\\.(?:layer(\\d)\\.(\\d+)|trunk\\.(?:stages|layers)\\.(\\d)\\.(?:blocks\\.(\\d+)|\\w+))\\..*");

  public static ParameterPlace of(ClipConfig config, String name) {
    if (name.equals("logit_scale") || name.equals("logit_bias")) {
      return new ParameterPlace(Tower.LOSS, Part.PROJECTION, 0, 0);
    }
    if (!name.startsWith("visual.")) {
      boolean projects = name.contains("text_projection") || name.startsWith("text.proj.");
      return place(Tower.TEXT, name, config.text().layers(), projects);
    }
    int blocks = config.vision().blocks();
    Matcher staged = STAGED.matcher(name);
    if (config.vision() instanceof StagedVisionConfig tower && staged.matches()) {
      boolean counted = staged.group(1) != null; // from 1
      int stage = Integer.parseInt(staged.group(counted ? 1 : 3)) - (counted ? 1 : 0);
      String index = staged.group(counted ? 2 : 4);
      int before = tower.layers().subList(0, stage).stream().mapToInt(Integer::intValue).sum();
      int block = before + (index == null ? 0 : Integer.parseInt(index));
      return new ParameterPlace(Tower.IMAGE, Part.BLOCK, block, blocks);
    }
    boolean projects =
        name.equals("visual.proj")
            || name.startsWith("visual.head.")
            || name.startsWith("visual.trunk.head.") && !name.contains(".norm.")
            || name.startsWith("visual.attnpool.c_proj.");
    return place(Tower.IMAGE, name, blocks, projects);
  }

  private static ParameterPlace place(Tower tower, String name, int blocks, boolean projects) {
    Matcher block = BLOCK.matcher(name);
    if (block.find()) {
      return new ParameterPlace(tower, Part.BLOCK, Integer.parseInt(block.group(1)), blocks);
    }
    boolean head =
        name.contains("ln_final")
            || name.startsWith("text.transformer.pooler.")
            || name.startsWith("text.transformer.final_layer_norm.")
            || name.startsWith("text.transformer.layer_norm.")
            || name.contains("ln_post")
            || name.contains("attnpool")
            || name.contains("attn_pool")
            || name.contains("trunk.final_conv.")
            || name.contains("trunk.head.norm.")
            || name.contains("trunk.fc_norm.")
            || name.startsWith("visual.trunk.norm.");
    return new ParameterPlace(
        tower, projects ? Part.PROJECTION : head ? Part.HEAD : Part.EMBEDDING, 0, blocks);
  }

  /** The parameters of a tower that are trained. */
  public static List<String> trained(ClipModel model, Tower tower) {
    return model.specs().stream()
        .map(ParameterSpec::name)
        .filter(name -> of(model.config(), name).tower == tower)
        .filter(name -> model.parameters().get(name).hasGradient())
        .toList();
  }

  /**
   * What the learning rate is multiplied by when it decays from layer to layer (Bao et al. 2022,
   * "BEiT", as in its and EVA-CLIP's fine-tuning): 1 at the top (heads, projections, logit scale),
   * the factor at the last block, and once more the factor at each block below; what comes before
   * the blocks is the deepest layer.
   */
  public double learningRateFactor(double decay) {
    return switch (part) {
      case EMBEDDING -> Math.pow(decay, blocks + 1);
      case BLOCK -> Math.pow(decay, blocks - block);
      case HEAD, PROJECTION -> 1;
    };
  }
}
