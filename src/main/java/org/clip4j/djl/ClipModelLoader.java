package org.clip4j.djl;

import ai.djl.Application;
import ai.djl.Device;
import ai.djl.modality.Classifications;
import ai.djl.modality.cv.Image;
import ai.djl.repository.MRL;
import ai.djl.repository.zoo.Criteria;
import ai.djl.repository.zoo.ModelLoader;
import ai.djl.repository.zoo.ZooModel;
import ai.djl.translate.TranslateException;
import ai.djl.translate.Translator;
import ai.djl.util.Progress;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Map;
import org.clip4j.Clip;
import org.clip4j.ClipLoader;
import org.clip4j.engine.internal.Libtorch;
import org.clip4j.hub.DownloadListener;
import org.clip4j.io.FileNames;
import org.clip4j.io.IoErrors;

/** Loads one checkpoint for the criteria of {@link ClipZoo}. */
final class ClipModelLoader implements ModelLoader {
  static final String ENGINE = "PyTorch";

  private final String name;
  private final Path path; // null where it is a name, which may be one on the hub

  ClipModelLoader(String name, Path path) {
    this.name = name;
    this.path = path;
  }

  private ClipLoader loader() {
    return path != null ? Clip.loader(path) : Clip.loader(name);
  }

  @Override
  public String getGroupId() {
    return ClipZoo.GROUP_ID;
  }

  @Override
  public String getArtifactId() {
    return name;
  }

  /** Undefined, so that a criteria may name any. */
  @Override
  public Application getApplication() {
    return Application.UNDEFINED;
  }

  /** None: the model lies in no repository of DJL's. */
  @Override
  public MRL getMrl() {
    return null;
  }

  /**
   * Loads the model and makes its translator.
   *
   * @throws IllegalArgumentException if the criteria ask for what a CLIP model cannot do
   */
  @Override
  public <I, O> ZooModel<I, O> loadModel(Criteria<I, O> criteria) throws IOException {
    refuse(criteria.getBlock() != null, "a block");
    refuse(criteria.getFilters() != null && !criteria.getFilters().isEmpty(), "filters");
    refuse(criteria.getOptions() != null && !criteria.getOptions().isEmpty(), "options");
    boolean own = criteria.getTranslatorFactory() == null;
    ClipArguments arguments = ClipArguments.of(criteria.getArguments());
    Class<?> input = criteria.getInputClass();
    Class<?> output = criteria.getOutputClass();
    Prompts prompts = own ? prompts(input, output, arguments) : null;
    Device device = criteria.getDevice();
    if (device == null) {
      device = Libtorch.engine().defaultDevice();
    }
    String title = criteria.getModelName() == null ? name : criteria.getModelName();
    LoadedClip model = new LoadedClip(title, load(criteria, arguments, device), device);
    try {
      Translator<I, O> translator;
      if (own) {
        if (prompts != null) {
          model.classifier(prompts); // what is wrong with them is told now
        }
        translator = translator(input, output, prompts);
      } else {
        Map<String, Object> given = criteria.getArguments();
        translator =
            criteria
                .getTranslatorFactory()
                .newInstance(
                    criteria.getInputClass(),
                    criteria.getOutputClass(),
                    model,
                    given == null ? Map.of() : given);
      }
      return new ZooModel<>(model, translator);
    } catch (TranslateException e) {
      model.close();
      throw new IllegalArgumentException(IoErrors.message(e), e);
    } catch (RuntimeException | Error e) {
      model.close();
      throw e;
    }
  }

  private static void refuse(boolean given, String what) {
    if (given) {
      throw new IllegalArgumentException(
          "the criteria give " + what + ", which a CLIP model has no use for");
    }
  }

  /** What the classes are told apart by; null where there are no classes. */
  private static Prompts prompts(Class<?> input, Class<?> output, ClipArguments arguments) {
    if (input == Image.class && output == Classifications.class) {
      return arguments.prompts();
    }
    if (output == float[].class && (input == Image.class || input == String.class)) {
      arguments.refusePrompts();
      return null;
    }
    throw new IllegalArgumentException(
        "a CLIP model does not make "
            + output.getSimpleName()
            + " of "
            + input.getSimpleName()
            + "; setTypes takes Image and Classifications, Image and float[], or String and"
            + " float[]");
  }

  @SuppressWarnings("unchecked") // the types of the criteria are those of the translator
  private static <I, O> Translator<I, O> translator(
      Class<?> input, Class<?> output, Prompts prompts) {
    Translator<?, ?> translator =
        output == Classifications.class
            ? new ClipTranslators.ZeroShot(prompts)
            : input == Image.class
                ? ClipTranslators.imageEmbedding()
                : ClipTranslators.textEmbedding();
    return (Translator<I, O>) translator;
  }

  private Clip load(Criteria<?, ?> criteria, ClipArguments arguments, Device device)
      throws IOException {
    try {
      ClipLoader loader = loader().optDevice(device);
      if (arguments.architecture() != null) {
        loader.optArchitecture(arguments.architecture());
      }
      return loader.optDownloadListener(listener(criteria.getProgress())).load();
    } catch (UncheckedIOException e) {
      throw new IOException(IoErrors.message(e), e.getCause());
    }
  }

  private static DownloadListener listener(Progress progress) {
    return progress == null ? DownloadListener.SILENT : new ShownDownload(progress);
  }

  /** Whether the model is a folder or file; what the hub's cache holds is found out by loading. */
  @Override
  public <I, O> boolean isDownloaded(Criteria<I, O> criteria) {
    try {
      return Files.exists(path != null ? path : FileNames.of(name));
    } catch (InvalidPathException e) {
      return false;
    }
  }

  @Override
  public <I, O> void downloadModel(Criteria<I, O> criteria, Progress progress) throws IOException {
    loader().optDownloadListener(listener(progress)).locate();
  }

  @Override
  public String toString() {
    return ClipZoo.GROUP_ID + ":" + name;
  }
}
