package org.clip4j.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.clip4j.engine.internal.HostMemory;
import org.clip4j.model.ParameterSpec.Init;

/**
 * Decodes masks from what the blocks of a CLIP model's image tower put out (transformers' {@code
 * CLIPSegDecoder}), see {@link MaskDecoderConfig}. For inference alone.
 *
 * <p>Shapes: N images, P prompts, L tokens, R width, E embed dim.
 */
public final class MaskDecoder implements AutoCloseable {
  private static final String BLOCKS = "layers.";

  /** What precedes the names of one of its tensors in checkpoints. */
  private static final Map<String, String> PUBLISHED =
      Map.of(
          "attention.self.query.", "self_attn.q_proj.",
          "attention.self.key.", "self_attn.k_proj.",
          "attention.self.value.", "self_attn.v_proj.",
          "attention.output.dense.", "self_attn.out_proj.",
          "attention.output.LayerNorm.", "layer_norm1.",
          "intermediate.dense.", "mlp.fc1.",
          "output.dense.", "mlp.fc2.",
          "output.LayerNorm.", "layer_norm2.");

  /**
   * What precedes and follows the blocks. What lies before the modulation is computed once for each
   * image, the rest for each of its prompts.
   */
  private static final String SOURCE =
      """
      def join(self, x: Tensor, image: Tensor) -> Tensor:
        return torch.add(x, torch.repeat_interleave(image, torch.size(x, 0) // torch.size(image, 0), 0))

      def modulate(self, x: Tensor, conditions: Tensor, p: List[Tensor]) -> Tensor:
        scale = torch.reshape(self.full(self.linear(conditions, {film_mul.*})), [1, -1, 1, {R}])
        shift = torch.reshape(self.full(self.linear(conditions, {film_add.*})), [1, -1, 1, {R}])
        return torch.flatten(torch.add(torch.mul(torch.unsqueeze(x, 1), scale), shift), 0, 1)  # [N P, L, R]

      def masks(self, x: Tensor, p: List[Tensor]) -> Tensor:
        x = torch.transpose(torch.slice(x, 1, 1), 1, 2)  # without the class token
        x = torch.reshape(x, [torch.size(x, 0), {R}, {gh}, {gw}])
        {upsample}
        return torch.squeeze(x, 1)

      def enlarge(self, x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        k = torch.size(w, 2)
        h = torch.size(x, 2)
        v = torch.size(x, 3)
        y = self.full(self.matmul(torch.permute(x, [0, 2, 3, 1]), torch.flatten(w, 1)))
        y = torch.reshape(y, [torch.size(x, 0), h, v, torch.size(w, 1), k, k])
        y = torch.reshape(torch.permute(y, [0, 3, 1, 4, 2, 5]), [torch.size(x, 0), -1, h * k, v * k])
        return torch.add(y, torch.reshape(b, [1, -1, 1, 1]))

      """;

  private static final String REDUCE =
      """
      def reduce_{i}(self, x: Tensor, p: List[Tensor]) -> Tensor:
        return self.full(self.linear(x, {reduces.{i}.*}))  # [N, L, R]

      """;

  private static final String PLAIN = "x = self.enlarge(x, {transposed_convolution.*})";

  private static final String REFINED =
      """
      x = torch.thnn_conv2d(x, {transposed_convolution.0.weight}, [3, 3], {transposed_convolution.0.bias}, [1, 1], [1, 1])
        x = torch.relu(self.enlarge(torch.relu(x), {transposed_convolution.2.*}))
        x = self.enlarge(x, {transposed_convolution.4.*})\
      """;

  private final MaskDecoderConfig config;
  private final NDManager manager;
  private final TowerKernels kernels;
  private final NDList own;
  private final List<ResidualAttentionBlock> blocks = new ArrayList<>();
  private final NDArray seen;

  private MaskDecoder(ClipModel model, MaskDecoderConfig config, ParameterSource source) {
    this.config = config;
    config.requireFits(model.config());
    manager = model.manager().newSubManager();
    Parameters declared = declare(model.config(), config);
    EncoderBlock kind = kind(model.config(), config);
    kernels = new TowerKernels(manager, use -> source(model.config(), config, declared, kind, use));
    Map<String, NDArray> all = new HashMap<>();
    for (ParameterSpec spec : declared.specs("")) {
      all.put(
          spec.name(),
          HostMemory.upload(
              manager,
              new Shape(spec.shape()),
              (from, target) -> source.copy(spec.name(), from, target)));
    }
    own = declared.of(all, "");
    Parameters block = kind.parameters();
    for (int i = 0; i < config.extractLayers().size(); i++) {
      blocks.add(new ResidualAttentionBlock(kind, block, kernels, all, BLOCKS + i + "."));
    }
    seen = manager.ones(new Shape(1, 1, 1, 1), DataType.BOOLEAN);
  }

  /**
   * Loads a decoder.
   *
   * @param model whose states it takes; its manager owns the decoder
   * @param source of {@link #specs}
   */
  public static MaskDecoder load(
      ClipModel model, MaskDecoderConfig config, ParameterSource source) {
    return new MaskDecoder(model, config, source);
  }

  /** Lists the parameters, under the names that transformers has for them. */
  public static List<ParameterSpec> specs(ClipConfig clip, MaskDecoderConfig config) {
    config.requireFits(clip);
    return declare(clip, config).specs("");
  }

  private static EncoderBlock kind(ClipConfig clip, MaskDecoderConfig config) {
    double epsilon = ((VitConfig) clip.vision()).normEpsilon();
    return new EncoderBlock(
        EncoderForm.POST_NORM,
        config.width(),
        config.width() / config.heads(),
        config.mlpWidth(),
        config.heads(),
        Activation.RELU,
        epsilon,
        true,
        PUBLISHED);
  }

  private static Parameters declare(ClipConfig clip, MaskDecoderConfig config) {
    VitConfig vision = (VitConfig) clip.vision();
    int width = config.width();
    Init start = Init.constant(0);
    Parameters all = new Parameters();
    all.linear("film_mul", start, start, width, clip.embedDim());
    all.linear("film_add", start, start, width, clip.embedDim());
    String masks = "transposed_convolution";
    if (config.refined()) {
      int kernel = vision.patchSize() / 4;
      all.linear(masks + ".0", start, start, width, width, 3, 3)
          .add(masks + ".2.weight", start, width, width / 2, kernel, kernel)
          .add(masks + ".2.bias", start, width / 2)
          .add(masks + ".4.weight", start, width / 2, 1, kernel, kernel)
          .add(masks + ".4.bias", start, 1);
    } else {
      int kernel = vision.patchSize();
      all.add(masks + ".weight", start, width, 1, kernel, kernel).add(masks + ".bias", start, 1);
    }
    for (int i = 0; i < config.extractLayers().size(); i++) {
      all.linear("reduces." + i, start, start, width, vision.width());
    }
    Parameters block = kind(clip, config).parameters();
    return all.blocks(BLOCKS, block, config.extractLayers().size());
  }

  private static String source(
      ClipConfig clip,
      MaskDecoderConfig config,
      Parameters declared,
      EncoderBlock kind,
      TowerKernels.Use use) {
    VitConfig vision = (VitConfig) clip.vision();
    StringBuilder source = new StringBuilder(SOURCE);
    for (int i = 0; i < config.extractLayers().size(); i++) {
      source.append(REDUCE.replace("{i}", Integer.toString(i)));
    }
    String around =
        source
            .toString()
            .replace("{upsample}", config.refined() ? REFINED : PLAIN)
            .replace("{R}", Integer.toString(config.width()))
            .replace("{gh}", Integer.toString(vision.gridHeight()))
            .replace("{gw}", Integer.toString(vision.gridWidth()));
    return declared.resolve(around, false) + kind.source(use);
  }

  /** Returns what owns the parameters. */
  public NDManager manager() {
    return manager;
  }

  /** Returns what it was made with. */
  public MaskDecoderConfig config() {
    return config;
  }

  /**
   * Encodes images for {@link #decode}: what the model's blocks put out, at the decoder's width.
   *
   * @param pixels as {@link ClipModel#encodeImage} takes them; its manager owns the result
   * @return for each of the decoder's blocks [N, L, R]
   */
  public List<NDArray> encode(ClipModel model, Forward pass, NDArray pixels) {
    List<NDArray> states = new ArrayList<>();
    model.imageStates(pass, pixels, config.blocks(), states::add);
    List<NDArray> reduced = new ArrayList<>();
    for (int i = 0; i < blocks.size(); i++) {
      int layer = config.extractLayers().get(blocks.size() - 1 - i);
      reduced.add(kernels.call(pass, "reduce_" + i, states.get(layer + 1), own));
    }
    states.forEach(NDArray::close);
    return reduced;
  }

  /**
   * Decodes the masks of each prompt in each image. What lies between is closed at once.
   *
   * @param images as {@link #encode} gives them
   * @param conditions [P, E], embeddings of texts or images as the towers give them, not normalised
   * @return [N P, height, width], logits, the prompts of an image one after the other; the caller's
   *     to close
   */
  public NDArray decode(Forward pass, List<NDArray> images, NDArray conditions) {
    NDArray first = images.get(0);
    NDArray x = first;
    for (int i = 0; i < blocks.size(); i++) {
      if (i > 0) {
        x = after(x, first, kernels.call(pass, "join", x, images.get(i)));
      }
      if (i == config.conditionalLayer()) {
        x = after(x, first, kernels.call(pass, "modulate", x, conditions, own));
      }
      x = after(x, first, blocks.get(i).forward(pass, x, seen));
    }
    return after(x, first, kernels.call(pass, "masks", x, own));
  }

  private static NDArray after(NDArray x, NDArray kept, NDArray next) {
    if (x != kept) {
      x.close();
    }
    return next;
  }

  /** Frees the parameters; those of the model stay. */
  @Override
  public void close() {
    manager.close();
  }
}
