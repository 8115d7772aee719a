package org.clip4j.weights;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.clip4j.io.IoErrors;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ParameterSpec;
import org.clip4j.model.ResNetConfig;
import org.clip4j.model.TextConfig;
import org.clip4j.model.VisionConfig;
import org.clip4j.model.VitConfig;
import org.clip4j.weights.tensors.CheckpointException;
import org.clip4j.weights.tensors.TensorInfo;

/**
 * The architecture of weights that come without a configuration, from the shapes of their tensors.
 *
 * <p>OpenAI's archives leave nothing else to be known (openai/CLIP {@code build_model}): heads are
 * 64 wide, activations QuickGELU. Of other files the activation stays unknown.
 */
final class OpenAiArchitecture {
  private static final int HEAD_WIDTH = 64;

  private final Path file;
  private final Map<String, TensorInfo> tensors;

  private OpenAiArchitecture(Path file, Map<String, TensorInfo> tensors) {
    this.file = file;
    this.tensors = tensors;
  }

  /** Whether a TorchScript archive holds what OpenAI's do: the sizes beside the parameters. */
  static boolean isOpenAi(Map<String, TensorInfo> tensors) {
    return tensors
        .keySet()
        .containsAll(List.of("input_resolution", "context_length", "vocab_size", "logit_scale"));
  }

  /**
   * Infers the architecture of an archive of OpenAI's.
   *
   * @throws CheckpointException if a tensor that tells it is missing or of no such shape
   */
  static ClipConfig infer(Path file, Map<String, TensorInfo> tensors) throws CheckpointException {
    return new OpenAiArchitecture(file, tensors).config();
  }

  private ClipConfig config() throws CheckpointException {
    long textWidth = dim("ln_final.weight", 0);
    try {
      return new ClipConfig(
          Math.toIntExact(dim("text_projection", 1)),
          tensors.containsKey("visual.proj") ? visionTransformer() : resNet(),
          TextConfig.builder()
              .setContextLength(Math.toIntExact(dim("positional_embedding", 0)))
              .setVocabSize(Math.toIntExact(dim("token_embedding.weight", 0)))
              .setWidth(Math.toIntExact(textWidth))
              .setHeads(Math.toIntExact(textWidth / HEAD_WIDTH))
              .setLayers(count("transformer.resblocks."))
              .build(),
          true);
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw new CheckpointException(
          file + ": its tensors fit no model of OpenAI's: " + IoErrors.message(e), e);
    }
  }

  private VisionConfig visionTransformer() throws CheckpointException {
    int width = Math.toIntExact(dim("visual.conv1.weight", 0));
    int patch = Math.toIntExact(dim("visual.conv1.weight", 3));
    int image = patch * grid("visual.positional_embedding");
    return VitConfig.builder()
        .setImageSize(image)
        .setPatchSize(patch)
        .setWidth(width)
        .setLayers(count("visual.transformer.resblocks."))
        .optHeadWidth(HEAD_WIDTH)
        .build();
  }

  private VisionConfig resNet() throws CheckpointException {
    int width = Math.toIntExact(dim("visual.layer1.0.conv1.weight", 0));
    int image = 32 * grid("visual.attnpool.positional_embedding");
    List<Integer> layers = new ArrayList<>();
    for (int stage = 1; stage <= 4; stage++) {
      layers.add(count("visual.layer" + stage + "."));
    }
    return ResNetConfig.of(image, width, layers);
  }

  /** Edge of a square grid whose cells, and one more, have a positional embedding each. */
  private int grid(String positions) throws CheckpointException {
    return Math.toIntExact(Math.round(Math.sqrt(dim(positions, 0) - 1)));
  }

  private long dim(String name, int index) throws CheckpointException {
    TensorInfo info = tensors.get(name);
    if (info == null || info.shape().size() <= index) {
      throw new CheckpointException(
          file
              + " has no model of OpenAI's: "
              + name
              + (info == null ? " is missing" : " is " + info.describe()));
    }
    return info.shape().get(index);
  }

  /** How many different names follow a prefix, up to their next dot. */
  private int count(String prefix) {
    TreeSet<String> numbers = new TreeSet<>();
    for (String name : tensors.keySet()) {
      if (name.startsWith(prefix)) {
        numbers.add(name.substring(prefix.length()).split("\\.", 2)[0]);
      }
    }
    return numbers.size();
  }

  /** The named architectures whose tensors are those of a file, in name and shape. */
  static List<String> candidates(Map<String, TensorInfo> tensors) {
    List<String> fitting = new ArrayList<>();
    for (String name : ClipConfig.names()) {
      List<ParameterSpec> specs = ParameterSpec.of(ClipConfig.named(name));
      boolean fits = true;
      for (ParameterSpec spec : specs) {
        TensorInfo info = tensors.get(spec.name());
        fits &= info != null && info.shape().equals(spec.shape());
      }
      if (fits) {
        fitting.add(name);
      }
    }
    return fitting;
  }
}
