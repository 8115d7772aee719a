package org.clip4j.model;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.clip4j.engine.internal.DepthwiseKernels;
import org.clip4j.engine.internal.LinearLayout.Operation;
import org.clip4j.model.ParameterSpec.Init;
import org.clip4j.model.StagedTower.Folding;
import org.clip4j.model.StagedTower.Part;

/**
 * The image encoder as a FastViT (Vasu et al. 2023, figure 2; timm's {@code FastVit}): a stem of
 * three convolutions, stages of blocks that mix positions by a convolution or by attention, a
 * strided convolution before each but the first, and the mean of a last convolution. Its parameters
 * are here, what it computes with them is in {@link FastVitKernels}.
 */
final class FastVit {
  private static final String PREFIX = "visual.trunk.";
  private static final Init ZERO = Init.constant(0);
  private static final Init WEIGHT = Init.truncated(0.02);

  /** timm's initial LayerScale. */
  private static final Init SCALE = Init.constant(1e-5);

  /** How far the branches of a part are folded. */
  private enum Form {
    BRANCHED,
    /** As timm's {@code reparameterize_model} leaves it. */
    PUBLISHED,
    FOLDED
  }

  private final FastVitConfig vision;
  private final Form own;
  private final List<Part> parts = new ArrayList<>();
  private final List<DepthwiseKernels.Shape> convolutions = new ArrayList<>();

  private FastVit(FastVitConfig vision) {
    this.vision = vision;
    own = vision.folded() ? Form.PUBLISHED : Form.BRANCHED;
  }

  /** Declares the tower. */
  static StagedTower.Declaration declare(ClipConfig config, FastVitConfig vision) {
    FastVit tower = new FastVit(vision);
    tower.addParts();
    Parameters pool = new Parameters();
    vision.head().addTo(pool, WEIGHT, vision.features(), config.embedDim());
    tower.parts.add(new Part("pool", "visual.", pool, false, null));
    return new StagedTower.Declaration(
        vision,
        tower.parts,
        tower::source,
        Activation.GELU,
        new Convolutions(List.of(), tower.convolutions.stream().distinct().toList()));
  }

  private void addParts() {
    int stages = vision.layers().size();
    int width = vision.width();
    int size = (vision.imageWidth() + 1) / 2; // halved wherever a stride is 2
    add("stem", "stem.0.", stem(own), stem(Form.FOLDED), false);
    convolution(width, 3, size, 2);
    add("thin", "stem.1.", thin(own, width), thin(Form.FOLDED, width), false);
    add("pointwise", "stem.2.", pointwise(own, width), pointwise(Form.FOLDED, width), true);
    size = (size + 1) / 2;
    for (int stage = 0; stage < stages; stage++) {
      String prefix = "stages." + stage + ".";
      width = vision.widths().get(stage);
      boolean attends = stage >= stages - vision.attentionStages();
      if (stage > 0) {
        boolean squeezes = !vision.large() && stage > 1;
        convolution(width, 7, size, 2);
        convolution(width, 3, size, 2);
        add(
            squeezes ? "squeezing" : "strided",
            prefix + "downsample.proj.0.",
            strided(own, width, squeezes),
            strided(Form.FOLDED, width, squeezes),
            false);
        add(
            "pointwise",
            prefix + "downsample.proj.1.",
            pointwise(own, width),
            pointwise(Form.FOLDED, width),
            false);
        size = (size + 1) / 2;
      }
      convolution(width, 7, size, 1);
      if (attends) {
        add(
            "positions",
            prefix + "pos_emb.",
            positions(own, width),
            positions(Form.FOLDED, width),
            false);
      } else {
        convolution(width, 3, size, 1);
      }
      Parameters block = attends ? attention(own, width) : mixer(own, width);
      Parameters folded = attends ? attention(Form.FOLDED, width) : mixer(Form.FOLDED, width);
      for (int i = 0; i < vision.layers().get(stage); i++) {
        add(attends ? "attention" : "mixer", prefix + "blocks." + i + ".", block, folded, true);
      }
    }
    convolution(2 * width, 3, size, 1);
    add("final", "final_conv.", last(own, width), last(Form.FOLDED, width), false);
  }

  /** What a publisher folds whole is the folded form already. */
  private void add(
      String name, String prefix, Parameters parameters, Parameters folded, boolean isState) {
    boolean foldable = own == Form.BRANCHED || parameters.hasBuffers();
    Folding folding = foldable ? new Folding("fold_" + name, folded, name) : null;
    String kernel = own == Form.BRANCHED ? "branched_" + name : name;
    parts.add(new Part(kernel, PREFIX + prefix, parameters, isState, folding));
  }

  private void convolution(int channels, int kernel, int size, int stride) {
    convolutions.add(new DepthwiseKernels.Shape(channels, kernel, size, stride));
  }

  /** Each function once, of the first part that has it; they differ in sizes alone. */
  private String source(TowerKernels.Use use) {
    boolean packs = use == TowerKernels.Use.PREPARED;
    String gelu = StagedTower.gelu(Activation.GELU, use);
    StringBuilder source = new StringBuilder(FastVitKernels.shared());
    Set<String> written = new HashSet<>();
    for (Part part : parts) {
      if (!written.add(part.kernel())) {
        continue;
      }
      String name = part.kernel().replaceFirst("^branched_", "");
      source.append(
          name.equals("pool")
              ? part.parameters().resolve(FastVitKernels.pool(vision.head(), gelu), false)
              : source(part, name, packs, gelu));
    }
    return source.toString();
  }

  private String source(Part part, String name, boolean packs, String gelu) {
    Parameters parameters = part.parameters();
    Folding folding = part.folding();
    if (folding == null || packs) {
      Parameters folded = folding == null ? parameters : folding.parameters();
      return folded.resolve(FastVitKernels.folded(vision, name, gelu), packs);
    }
    String source =
        own == Form.BRANCHED
            ? FastVitKernels.branched(vision, name, parameters.hasBuffers(), gelu)
            : FastVitKernels.published(vision, name, gelu);
    return parameters.resolve(source, false);
  }

  private Parameters stem(Form form) {
    int width = vision.width();
    return form != Form.BRANCHED
        ? folded(width, 3, 3).lay("reparam_conv.", Operation.ACTIVATION)
        : scaled(new Parameters(), 3, width, 3, !vision.large());
  }

  private Parameters thin(Form form, int width) {
    return form != Form.BRANCHED
        ? folded(width, 1, 3)
        : scaled(new Parameters(), 1, width, 3, !vision.large());
  }

  /** A convolution and its scale, a convolution of 1 x 1. */
  private static Parameters scaled(
      Parameters parameters, int in, int width, int kernel, boolean scales) {
    branch(parameters, "conv_kxk.0", in, width, kernel);
    return scales ? branch(parameters, "conv_scale", in, width, 1) : parameters;
  }

  private static Parameters branch(
      Parameters parameters, String name, int in, int out, int kernel) {
    return parameters.conv(name + ".conv", name + ".bn", 1, in, out, kernel);
  }

  private static Parameters folded(int width, int in, int kernel) {
    Init init = Init.uniformOf((double) in * kernel * kernel);
    return new Parameters().linear("reparam_conv", init, init, width, in, kernel, kernel);
  }

  private static Parameters pointwise(Form form, int width) {
    return form != Form.BRANCHED
        ? folded(width, width, 1).lay("reparam_conv.", Operation.ACTIVATION)
        : scaled(new Parameters().batchNorm("identity", 1, width), width, width, 1, false);
  }

  private static Parameters strided(Form form, int width, boolean squeezes) {
    Parameters parameters = new Parameters();
    if (form == Form.BRANCHED) {
      branch(parameters, "large_conv", 1, width, 7);
      branch(parameters, "small_conv", 1, width, 3);
    } else {
      parameters = folded(width, 1, 7);
    }
    return squeezes ? squeeze(parameters, width, Math.max(8, (width / 4 + 4) / 8 * 8)) : parameters;
  }

  private static Parameters squeeze(Parameters parameters, int width, int hidden) {
    Init wide = Init.uniformOf(width);
    Init narrow = Init.uniformOf(hidden);
    return parameters
        .linear("se.fc1", wide, wide, hidden, width, 1, 1)
        .linear("se.fc2", narrow, narrow, width, hidden, 1, 1);
  }

  private static Parameters positions(Form form, int width) {
    Init init = Init.uniformOf(49);
    String name = form == Form.BRANCHED ? "pos_enc" : "reparam_conv";
    return new Parameters().linear(name, init, init, width, 1, 7, 7);
  }

  private Parameters mixer(Form form, int width) {
    Parameters parameters = new Parameters();
    if (form == Form.BRANCHED) {
      parameters.batchNorm("token_mixer.norm.identity", 1, width);
      parameters.batchNorm("token_mixer.mixer.identity", 1, width);
      branch(parameters, "token_mixer.mixer.conv_kxk.0", 1, width, 3);
      branch(parameters, "token_mixer.mixer.conv_scale", 1, width, 1);
      parameters.add("token_mixer.layer_scale.gamma", SCALE, width, 1, 1);
    } else {
      Init init = Init.uniformOf(9);
      parameters.linear("token_mixer.reparam_conv", init, init, width, 1, 3, 3);
    }
    return mlp(parameters, form, width, "layer_scale.gamma");
  }

  private Parameters attention(Form form, int width) {
    Parameters parameters = new Parameters();
    if (vision.large()) {
      parameters.norm("norm", width);
    } else {
      parameters.batchNorm("norm", 1, width);
    }
    parameters
        .add("token_mixer.qkv.weight", WEIGHT, 3L * width, width)
        .linear("token_mixer.proj", WEIGHT, ZERO, width, width)
        .add("layer_scale_1.gamma", SCALE, width, 1, 1);
    mlp(parameters, form, width, "layer_scale_2.gamma");
    return form != Form.FOLDED
        ? parameters
        : parameters
            .lay("token_mixer.qkv.", Operation.PRODUCT)
            .lay("token_mixer.proj.", Operation.SUM, false, "layer_scale_1.gamma");
  }

  private Parameters mlp(Parameters parameters, Form form, int width, String scale) {
    int hidden = (int) (width * vision.mlpRatio());
    if (form == Form.FOLDED) {
      parameters.linear("mlp.conv", WEIGHT, ZERO, width, 1, 7, 7);
    } else {
      parameters.add("mlp.conv.conv.weight", WEIGHT, width, 1, 7, 7);
      parameters.batchNorm("mlp.conv.bn", 1, width);
    }
    parameters
        .linear("mlp.fc1", WEIGHT, ZERO, hidden, width, 1, 1)
        .linear("mlp.fc2", WEIGHT, ZERO, width, hidden, 1, 1)
        .add(scale, SCALE, width, 1, 1);
    return form != Form.FOLDED
        ? parameters
        : parameters
            .lay("mlp.fc1.", Operation.ACTIVATION)
            .lay("mlp.fc2.", Operation.SUM, true, scale);
  }

  private static Parameters last(Form form, int width) {
    Parameters parameters =
        form == Form.BRANCHED
            ? scaled(new Parameters(), 1, 2 * width, 3, true)
            : folded(2 * width, 1, 3);
    return squeeze(parameters, 2 * width, Math.max(1, (2 * width + 8) / 16));
  }
}
