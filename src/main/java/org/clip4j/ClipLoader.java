package org.clip4j;

import ai.djl.Device;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipModel;
import org.clip4j.text.Tokenizer;
import org.clip4j.weights.Checkpoint;

/**
 * Options for loading a {@link Clip}; made by {@link Clip#loader(Path)}.
 *
 * <pre>{@code
 * Clip clip = Clip.loader(Path.of("epoch_30.pt")).optArchitecture("ViT-B-32").load();
 * }</pre>
 */
public final class ClipLoader {
  private final Path checkpoint;
  private Device device = Device.cpu();
  private ClipConfig architecture;
  private int imageHeight;
  private int imageWidth;

  ClipLoader(Path checkpoint) {
    this.checkpoint = checkpoint;
  }

  /** Where the model computes; the CPU by default. */
  public ClipLoader optDevice(Device device) {
    this.device = device;
    return this;
  }

  /**
   * The architecture of weights that come without a configuration, such as a training checkpoint of
   * OpenCLIP's.
   *
   * @param name one of {@link ClipConfig#names()}
   */
  public ClipLoader optArchitecture(String name) {
    return optArchitecture(ClipConfig.named(name));
  }

  /** As {@link #optArchitecture(String)}. */
  public ClipLoader optArchitecture(ClipConfig architecture) {
    this.architecture = architecture;
    return this;
  }

  /**
   * Loads a Vision Transformer for images of another size than it was trained on, with resampled
   * positional embeddings.
   *
   * @param height in pixels, at least a patch
   * @param width in pixels, at least a patch
   */
  public ClipLoader optImageSize(int height, int width) {
    imageHeight = height;
    imageWidth = width;
    return this;
  }

  /**
   * Loads.
   *
   * @throws UncheckedIOException if the checkpoint cannot be read, or is not a model that this
   *     library knows; the message names the file and what is wrong
   */
  public Clip load() {
    try (Checkpoint opened = Checkpoint.open(checkpoint, architecture)) {
      Checkpoint wanted = imageHeight > 0 ? opened.atImageSize(imageHeight, imageWidth) : opened;
      Tokenizer tokenizer = opened.tokenizer().orElse(null);
      ClipModel model;
      try {
        model = ClipModel.load(wanted.config(), wanted.parameters(), device);
      } catch (RuntimeException | Error e) {
        if (tokenizer != null) {
          tokenizer.close();
        }
        throw e;
      }
      return Clip.of(model, wanted.transform(), tokenizer);
    } catch (IOException e) {
      throw new UncheckedIOException(e.getMessage(), e);
    }
  }
}
