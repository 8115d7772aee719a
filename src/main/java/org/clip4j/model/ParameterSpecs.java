package org.clip4j.model;

import java.util.ArrayList;
import java.util.List;
import org.clip4j.model.ParameterSpec.Distribution;
import org.clip4j.model.ParameterSpec.Init;

/**
 * Every parameter and buffer of OpenCLIP's {@code CLIP} and {@code CustomTextCLIP}, as their
 * constructors make them.
 */
final class ParameterSpecs {
  private final List<ParameterSpec> specs = new ArrayList<>();

  private ParameterSpecs() {}

  static List<ParameterSpec> of(ClipConfig config) {
    ParameterSpecs c = new ParameterSpecs();
    String text = textPrefix(config);
    boolean custom = config.customText();
    if (!custom) {
      c.textLeaves(text, config);
    }
    c.constant("logit_scale", config.initLogitScale());
    if (config.isSigmoid()) {
      c.constant("logit_bias", config.initLogitBias());
    }
    VisionConfig vision = config.vision();
    if (vision.isResNet()) {
      c.resNet("visual.", vision, config.embedDim());
    } else if (vision.isSigLip()) {
      c.sigLip("visual.trunk.", vision);
    } else {
      c.visionTransformer("visual.", vision, config.embedDim());
    }
    if (custom) {
      c.textLeaves(text, config);
    }
    c.textTransformer(text, config);
    return c.specs;
  }

  /** What stands before the names of the text tower's parameters. */
  static String textPrefix(ClipConfig config) {
    return config.customText() ? "text." : "";
  }

  private void textLeaves(String prefix, ClipConfig config) {
    TextConfig text = config.text();
    normal(prefix + "positional_embedding", 0.01, text.contextLength(), text.width());
    if (text.projection() == TextProjection.MATRIX) {
      double std = Math.pow(text.width(), -0.5);
      normal(prefix + "text_projection", std, text.width(), config.embedDim());
    }
  }

  private void textTransformer(String prefix, ClipConfig config) {
    TextConfig text = config.text();
    for (int i = 0; i < text.layers(); i++) {
      block(
          prefix + "transformer.resblocks." + i + ".",
          text.width(),
          text.mlpWidth(),
          text.lsInitValue(),
          text.layers());
    }
    normal(prefix + "token_embedding.weight", 0.02, text.vocabSize(), text.width());
    norm(prefix + "ln_final", text.width());
    if (text.projection() == TextProjection.LINEAR) {
      double std = Math.pow(text.width(), -0.5);
      normalLinear(prefix + "text_projection", std, config.embedDim(), text.width());
    }
  }

  private void add(
      String name, boolean buffer, Distribution distribution, double value, long... shape) {
    specs.add(new ParameterSpec(name, shape, buffer, new Init(distribution, value)));
  }

  private void constant(String name, double value, long... shape) {
    add(name, false, Distribution.CONSTANT, value, shape);
  }

  private void normal(String name, double std, long... shape) {
    add(name, false, Distribution.NORMAL, std, shape);
  }

  private void uniform(String name, double bound, long... shape) {
    add(name, false, Distribution.UNIFORM, bound, shape);
  }

  /** LayerNorm, or the affine part of BatchNorm. */
  private void norm(String name, long width) {
    constant(name + ".weight", 1, width);
    constant(name + ".bias", 0, width);
  }

  /**
   * torch.nn.Linear as PyTorch initialises it: Kaiming uniform with a = sqrt(5), that is
   * U(-1/sqrt(in), 1/sqrt(in)).
   */
  private void linear(String name, long out, long in) {
    uniform(name + ".weight", 1 / Math.sqrt(in), out, in);
    uniform(name + ".bias", 1 / Math.sqrt(in), out);
  }

  /** torch.nn.Linear with normal weights and no bias to start with. */
  private void normalLinear(String name, double std, long out, long in) {
    normal(name + ".weight", std, out, in);
    constant(name + ".bias", 0, out);
  }

  /** timm's VisionTransformer with attention pooling. */
  private void sigLip(String prefix, VisionConfig vision) {
    long width = vision.width();
    long mlpWidth = vision.mlpWidth();
    int patch = vision.patchSize();
    double bound = 1 / Math.sqrt(3.0 * patch * patch);
    normal(prefix + "pos_embed", 0.02, 1, (long) vision.gridHeight() * vision.gridWidth(), width);
    uniform(prefix + "patch_embed.proj.weight", bound, width, 3, patch, patch);
    uniform(prefix + "patch_embed.proj.bias", bound, width);
    for (int i = 0; i < vision.layers().get(0); i++) {
      String block = prefix + "blocks." + i + ".";
      norm(block + "norm1", width);
      normalLinear(block + "attn.qkv", 0.02, 3 * width, width);
      normalLinear(block + "attn.proj", 0.02, width, width);
      norm(block + "norm2", width);
      normalLinear(block + "mlp.fc1", 0.02, mlpWidth, width);
      normalLinear(block + "mlp.fc2", 0.02, width, mlpWidth);
    }
    norm(prefix + "norm", width);
    String pool = prefix + "attn_pool.";
    add(pool + "latent", false, Distribution.TRUNCATED_NORMAL, Math.pow(width, -0.5), 1, 1, width);
    normalLinear(pool + "q", 0.02, width, width);
    normalLinear(pool + "kv", 0.02, 2 * width, width);
    normalLinear(pool + "proj", 0.02, width, width);
    norm(pool + "norm", width);
    normalLinear(pool + "mlp.fc1", 0.02, mlpWidth, width);
    normalLinear(pool + "mlp.fc2", 0.02, width, mlpWidth);
  }

  /** OpenCLIP's own VisionTransformer. */
  private void visionTransformer(String prefix, VisionConfig vision, int embedDim) {
    int width = vision.width();
    int patch = vision.patchSize();
    double scale = Math.pow(width, -0.5);
    long grid = (long) vision.gridHeight() * vision.gridWidth();
    normal(prefix + "class_embedding", scale, width);
    normal(prefix + "positional_embedding", scale, grid + 1, width);
    normal(prefix + "proj", scale, width, embedDim);
    uniform(prefix + "conv1.weight", 1 / Math.sqrt(3.0 * patch * patch), width, 3, patch, patch);
    if (vision.lnPre()) {
      norm(prefix + "ln_pre", width);
    }
    for (int i = 0; i < vision.layers().get(0); i++) {
      block(
          prefix + "transformer.resblocks." + i + ".",
          width,
          vision.mlpWidth(),
          vision.lsInitValue(),
          0);
    }
    norm(prefix + "ln_post", width);
  }

  /**
   * A residual attention block.
   *
   * @param textLayers depth of the text transformer, whose weights OpenAI scales by it; 0 for the
   *     image tower, which keeps PyTorch's own initialisation
   */
  private void block(String prefix, long width, long mlpWidth, Double lsInitValue, int textLayers) {
    boolean text = textLayers > 0;
    double projStd = Math.pow(width, -0.5) * Math.pow(2.0 * textLayers, -0.5);
    norm(prefix + "ln_1", width);
    if (text) {
      normal(prefix + "attn.in_proj_weight", Math.pow(width, -0.5), 3 * width, width);
    } else {
      uniform(
          prefix + "attn.in_proj_weight", Math.sqrt(6.0 / (4 * width)), 3 * width, width); // Xavier
    }
    constant(prefix + "attn.in_proj_bias", 0, 3 * width);
    if (text) {
      normal(prefix + "attn.out_proj.weight", projStd, width, width);
    } else {
      uniform(prefix + "attn.out_proj.weight", 1 / Math.sqrt(width), width, width);
    }
    constant(prefix + "attn.out_proj.bias", 0, width);
    if (lsInitValue != null) {
      constant(prefix + "ls_1.gamma", lsInitValue, width);
    }
    norm(prefix + "ln_2", width);
    if (text) {
      normal(prefix + "mlp.c_fc.weight", Math.pow(2.0 * width, -0.5), mlpWidth, width);
      uniform(prefix + "mlp.c_fc.bias", 1 / Math.sqrt(width), mlpWidth);
      normal(prefix + "mlp.c_proj.weight", projStd, width, mlpWidth);
      uniform(prefix + "mlp.c_proj.bias", 1 / Math.sqrt(mlpWidth), width);
    } else {
      linear(prefix + "mlp.c_fc", mlpWidth, width);
      linear(prefix + "mlp.c_proj", width, mlpWidth);
    }
    if (lsInitValue != null) {
      constant(prefix + "ls_2.gamma", lsInitValue, width);
    }
  }

  private void resNet(String prefix, VisionConfig vision, int embedDim) {
    int width = vision.width();
    convAndNorm(prefix, "1", 3, width / 2, 3);
    convAndNorm(prefix, "2", width / 2, width / 2, 3);
    convAndNorm(prefix, "3", width / 2, width, 3);
    int in = width;
    for (int stage = 0; stage < vision.layers().size(); stage++) {
      int planes = width << stage;
      for (int i = 0; i < vision.layers().get(stage); i++) {
        String block = prefix + "layer" + (stage + 1) + "." + i + ".";
        convAndNorm(block, "1", in, planes, 1);
        convAndNorm(block, "2", planes, planes, 3);
        conv(block + "conv3.weight", planes, 4 * planes, 1);
        batchNorm(block + "bn3", 4 * planes, 0); // a block starts as the identity
        if (i == 0) {
          conv(block + "downsample.0.weight", in, 4 * planes, 1);
          batchNorm(block + "downsample.1", 4 * planes, 1);
        }
        in = 4 * planes;
      }
    }
    int features = 32 * width;
    double std = Math.pow(features, -0.5);
    long grid = (long) (vision.imageHeight() / 32) * (vision.imageWidth() / 32);
    String pool = prefix + "attnpool.";
    normal(pool + "positional_embedding", std, grid + 1, features);
    for (String projection : List.of("k_proj", "q_proj", "v_proj")) {
      normal(pool + projection + ".weight", std, features, features);
      uniform(pool + projection + ".bias", std, features);
    }
    normal(pool + "c_proj.weight", std, embedDim, features);
    uniform(pool + "c_proj.bias", std, embedDim);
  }

  private void convAndNorm(String prefix, String index, int in, int out, int kernel) {
    conv(prefix + "conv" + index + ".weight", in, out, kernel);
    batchNorm(prefix + "bn" + index, out, 1);
  }

  private void conv(String name, int in, int out, int kernel) {
    uniform(name, 1 / Math.sqrt((double) in * kernel * kernel), out, in, kernel, kernel);
  }

  private void batchNorm(String name, int width, double weight) {
    constant(name + ".weight", weight, width);
    constant(name + ".bias", 0, width);
    add(name + ".running_mean", true, Distribution.CONSTANT, 0, width);
    add(name + ".running_var", true, Distribution.CONSTANT, 1, width);
    add(name + ".num_batches_tracked", true, Distribution.CONSTANT, 0);
  }
}
