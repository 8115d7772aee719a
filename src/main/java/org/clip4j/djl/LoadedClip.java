package org.clip4j.djl;

import ai.djl.BaseModel;
import ai.djl.Device;
import ai.djl.Model;
import ai.djl.inference.Predictor;
import ai.djl.ndarray.types.DataType;
import ai.djl.nn.LambdaBlock;
import ai.djl.repository.zoo.ZooModel;
import ai.djl.translate.Translator;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.clip4j.Clip;
import org.clip4j.ZeroShotClassifier;
import org.clip4j.engine.internal.Libtorch;

/** A {@link Clip} as a DJL model. Owns it: closing the one closes the other. */
final class LoadedClip extends BaseModel {
  private final Clip clip;
  private final Map<Prompts, ZeroShotClassifier> classifiers = new ConcurrentHashMap<>();
  private boolean closed;

  LoadedClip(String name, Clip clip, Device device) {
    super(name);
    this.clip = clip;
    dataType = DataType.FLOAT32;
    manager = Libtorch.newManager(device);
    manager.setName(name);
    block =
        new LambdaBlock(
            tensors -> {
              throw new UnsupportedOperationException(
                  "a CLIP model has no forward for tensors of one's own; use ClipTranslators, or"
                      + " Clip.model()");
            },
            "clip");
  }

  /** The model behind a predictor. */
  static LoadedClip of(Model model) {
    Model inner = model instanceof ZooModel<?, ?> zoo ? zoo.getWrappedModel() : model;
    if (inner instanceof LoadedClip loaded) {
      return loaded;
    }
    throw new IllegalArgumentException(
        "this translator works for models loaded through ClipZoo, not for "
            + inner.getName()
            + " ("
            + inner.getClass().getSimpleName()
            + ")");
  }

  synchronized Clip clip() {
    if (closed) {
      throw new IllegalStateException("the model " + getName() + " is closed");
    }
    return clip;
  }

  /** Encodes the prompts if this is the first time that they are asked for. */
  ZeroShotClassifier classifier(Prompts prompts) {
    Clip open = clip();
    return classifiers.computeIfAbsent(prompts, key -> key.classifier(open));
  }

  @Override
  public <I, O> Predictor<I, O> newPredictor(Translator<I, O> translator, Device device) {
    if (!device.equals(manager.getDevice())) {
      throw new IllegalArgumentException(
          "the model "
              + getName()
              + " is on "
              + manager.getDevice()
              + ", where its predictors are, not on "
              + device
              + "; Criteria's optDevice loads it elsewhere");
    }
    return super.newPredictor(translator, device);
  }

  @Override
  public void load(Path modelPath, String prefix, Map<String, ?> options) {
    throw new UnsupportedOperationException("the model " + getName() + " is loaded already");
  }

  @Override
  public void save(Path modelPath, String newModelName) {
    throw new UnsupportedOperationException(
        "DJL's format cannot hold a CLIP model; Clip.save writes one");
  }

  @Override
  public void close() {
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
    }
    super.close();
    clip.close();
  }
}
