package org.clip4j.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.List;
import java.util.Map;
import org.clip4j.engine.Precision;
import org.jspecify.annotations.Nullable;

/** What a family of image towers declares: its parameters, and how a tower is made of them. */
interface ImageDeclaration {

  /**
   * Positional embeddings that can be resampled.
   *
   * @param name in checkpoints
   * @param before how many of them precede those of the grid of patches
   */
  record Positions(String name, int before) {}

  /** Declares the image tower of a model; the one place that knows every family. */
  static ImageDeclaration of(ClipConfig config) {
    VisionConfig vision = config.vision();
    if (vision instanceof VitConfig tower) {
      return VisionTransformer.declare(config, tower);
    } else if (vision instanceof ResNetConfig tower) {
      return ModifiedResNet.declare(config, tower);
    } else if (vision instanceof ConvNextConfig tower) {
      return ConvNext.declare(config, tower);
    } else if (vision instanceof FastVitConfig tower) {
      return FastVit.declare(config, tower);
    } else if (vision instanceof SwinConfig tower) {
      return SwinTransformer.declare(config, tower);
    } else if (vision instanceof SigLipConfig tower) {
      return SigLipVisionTransformer.declare(tower);
    } else if (vision instanceof TimmVitConfig tower) {
      return tower.convolutional()
          ? HybridVisionTransformer.declare(config, tower)
          : TimmVisionTransformer.declare(config, tower);
    } else if (vision instanceof TimmGapVitConfig tower) {
      return TimmGapVisionTransformer.declare(config, tower);
    } else if (vision instanceof TimmRelativeVitConfig tower) {
      return TimmRelativeVisionTransformer.declare(config, tower);
    } else if (vision instanceof ViTaminConfig tower) {
      return ViTamin.declare(config, tower);
    } else if (vision instanceof EvaConfig tower) {
      return EvaVisionTransformer.declare(config, tower);
    }
    return PerceptionEncoder.declare(config, (PeConfig) vision);
  }

  /** Lists the parameters and buffers in the order of checkpoints. */
  List<ParameterSpec> specs();

  /**
   * Makes a tower.
   *
   * @param manager owns the kernels
   * @param parameters all of the model
   */
  ImageTower tower(NDManager manager, Map<String, NDArray> parameters);

  /** Lists the maps of each block that adapters add to; none where there are no such blocks. */
  List<List<LoraPlace>> adaptable();

  /** Proves the kernels that a tower would use, see {@link KernelSurvey}. */
  void prove(NDManager manager, Precision precision, boolean trained);

  /** Names the positional embeddings; null where there are none. */
  @Nullable Positions positions();
}
