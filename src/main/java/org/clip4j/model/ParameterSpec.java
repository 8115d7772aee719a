package org.clip4j.model;

import java.util.ArrayList;
import java.util.List;

/**
 * One parameter or buffer of a model: its name in OpenCLIP's checkpoints, its shape, and how
 * OpenCLIP initialises it.
 *
 * @param name for example {@code visual.conv1.weight}
 * @param shape its dimensions; empty for a scalar
 * @param buffer whether it is a running statistic, saved but not trained
 * @param init initial values
 */
public record ParameterSpec(String name, long[] shape, boolean buffer, Init init) {

  /** Distribution of initial values: all drawn from one of these. */
  public enum Distribution {
    /** Every value is {@link Init#value}. */
    CONSTANT,
    /** Normal with mean 0 and standard deviation {@link Init#value}. */
    NORMAL,
    /** Uniform in [-{@link Init#value}, {@link Init#value}). */
    UNIFORM
  }

  /**
   * Initial values.
   *
   * @param distribution what they are drawn from
   * @param value its one number, see {@link Distribution}
   */
  public record Init(Distribution distribution, double value) {}

  /** Number of values. */
  public long count() {
    long count = 1;
    for (long dim : shape) {
      count = Math.multiplyExact(count, dim);
    }
    return count;
  }

  /** All parameters and buffers of a model, in the order of OpenCLIP's {@code CLIP} class. */
  public static List<ParameterSpec> of(ClipConfig config) {
    Collector c = new Collector();
    TextConfig text = config.text();
    int width = text.width();
    c.normal("positional_embedding", 0.01, text.contextLength(), width);
    c.normal("text_projection", Math.pow(width, -0.5), width, config.embedDim());
    c.constant("logit_scale", Math.log(1 / 0.07));
    if (config.vision().isResNet()) {
      c.resNet("visual.", config.vision(), config.embedDim());
    } else {
      c.visionTransformer("visual.", config.vision(), config.embedDim());
    }
    for (int i = 0; i < text.layers(); i++) {
      c.block(
          "transformer.resblocks." + i + ".",
          width,
          text.mlpWidth(),
          text.lsInitValue(),
          text.layers());
    }
    c.normal("token_embedding.weight", 0.02, text.vocabSize(), width);
    c.norm("ln_final", width);
    return c.specs;
  }

  private static final class Collector {
    private final List<ParameterSpec> specs = new ArrayList<>();

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

    private void visionTransformer(String prefix, VisionConfig vision, int embedDim) {
      int width = vision.width();
      int patch = vision.patchSize();
      double scale = Math.pow(width, -0.5);
      long grid = (long) (vision.imageHeight() / patch) * (vision.imageWidth() / patch);
      normal(prefix + "class_embedding", scale, width);
      normal(prefix + "positional_embedding", scale, grid + 1, width);
      normal(prefix + "proj", scale, width, embedDim);
      uniform(prefix + "conv1.weight", 1 / Math.sqrt(3.0 * patch * patch), width, 3, patch, patch);
      norm(prefix + "ln_pre", width);
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
    private void block(
        String prefix, long width, long mlpWidth, Double lsInitValue, int textLayers) {
      boolean text = textLayers > 0;
      double projStd = Math.pow(width, -0.5) * Math.pow(2.0 * textLayers, -0.5);
      norm(prefix + "ln_1", width);
      if (text) {
        normal(prefix + "attn.in_proj_weight", Math.pow(width, -0.5), 3 * width, width);
      } else {
        uniform(
            prefix + "attn.in_proj_weight",
            Math.sqrt(6.0 / (4 * width)),
            3 * width,
            width); // Xavier
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
}
