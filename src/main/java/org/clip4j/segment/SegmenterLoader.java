package org.clip4j.segment;

import ai.djl.Device;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.EnumSet;
import org.clip4j.ClipLoader;
import org.clip4j.engine.Precision;
import org.clip4j.hub.DownloadListener;
import org.clip4j.hub.Hub;
import org.clip4j.io.IoErrors;
import org.clip4j.model.ClipModel;
import org.clip4j.model.ClipModel.Tower;
import org.clip4j.model.MaskDecoder;
import org.clip4j.model.MaskDecoderConfig;
import org.clip4j.model.VitConfig;
import org.clip4j.text.Tokenizer;
import org.clip4j.weights.Checkpoint;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Collects options for loading a {@link ClipSegmenter}; made by {@link
 * ClipSegmenter#loader(String)}.
 */
public final class SegmenterLoader {
  private static final Logger LOG = LoggerFactory.getLogger(SegmenterLoader.class);

  private final ClipLoader files;
  private Device device = Device.cpu();
  private Precision precision = Precision.FP32;

  SegmenterLoader(ClipLoader files) {
    this.files = files;
  }

  /** Sets what {@link ClipLoader#optHub} does. */
  public SegmenterLoader optHub(Hub hub) {
    files.optHub(hub);
    return this;
  }

  /** Sets what {@link ClipLoader#optDownloadListener} does. */
  public SegmenterLoader optDownloadListener(DownloadListener listener) {
    files.optDownloadListener(listener);
    return this;
  }

  /** Sets where the model computes; the CPU by default. */
  public SegmenterLoader optDevice(Device device) {
    this.device = device;
    return this;
  }

  /**
   * Sets in what matrix products and attention are computed; {@link Precision#FP32} by default.
   * Masks are float32 in all of them.
   */
  public SegmenterLoader optPrecision(Precision precision) {
    this.precision = precision;
    return this;
  }

  /**
   * Sets another size of images than that of the model's files, 352 x 352 in the published ones. On
   * larger ones smaller things are seen, and they take more time. The positional embeddings are
   * resampled as transformers does.
   */
  public SegmenterLoader optImageSize(int height, int width) {
    files.optImageSize(height, width);
    return this;
  }

  /**
   * Loads the model.
   *
   * @throws UncheckedIOException if the checkpoint cannot be had or read, or has no decoder of
   *     masks; the message names it
   */
  public ClipSegmenter load() {
    precision.requireOn(device);
    try (Checkpoint opened = files.openCheckpoint()) {
      MaskDecoderConfig config =
          opened
              .maskDecoder()
              .orElseThrow(
                  () ->
                      new IOException(
                          opened.weights()
                              + " has no decoder of masks beside its encoders; segmenting takes a"
                              + " model of CLIPSeg's kind, such as CIDAS/clipseg-rd64-refined"));
      if (!opened.licence().isEmpty()) {
        LOG.info("The model {} names the licence {}.", files, opened.licence());
      }
      Tokenizer tokenizer = opened.tokenizer().orElse(null);
      try {
        return load(opened, config, tokenizer);
      } catch (RuntimeException | Error e) {
        if (tokenizer != null) {
          tokenizer.close();
        }
        throw e;
      }
    } catch (IOException e) {
      throw IoErrors.isInterruption(e)
          ? new UncheckedIOException("loading " + files + " was interrupted", e)
          : IoErrors.unchecked(e);
    }
  }

  /** The last block is laid out for its class token alone, so that all of it needs the weights. */
  private ClipSegmenter load(
      Checkpoint opened, MaskDecoderConfig config, @Nullable Tokenizer tokenizer) {
    boolean all = config.blocks() == ((VitConfig) opened.config().vision()).layers();
    ClipModel model =
        all
            ? ClipModel.load(opened.config(), opened.parameters(), device)
            : ClipModel.loadForInference(
                opened.config(), opened.parameters(), device, EnumSet.allOf(Tower.class));
    try {
      MaskDecoder decoder = MaskDecoder.load(model, config, opened.maskDecoderParameters());
      return new ClipSegmenter(model, decoder, opened.transform(), tokenizer, precision);
    } catch (RuntimeException | Error e) {
      model.close();
      throw e;
    }
  }
}
