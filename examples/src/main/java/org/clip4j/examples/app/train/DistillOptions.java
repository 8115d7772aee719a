package org.clip4j.examples.app.train;

import ai.djl.Device;
import java.io.IOException;
import java.nio.file.Path;
import org.clip4j.engine.Precision;
import org.clip4j.examples.app.evaluate.OpenModel;
import org.clip4j.examples.app.search.ModelFacts;
import org.clip4j.search.Embeddings;
import org.clip4j.train.options.Teacher;
import picocli.CommandLine.Option;

/** Options that name a larger model to learn from. */
public final class DistillOptions {
  @Option(
      names = "--distill",
      paramLabel = "TEACHER",
      description =
          "Learns from this model too: a name on the hub, a folder or a weights file. Its images must be of the trained model's size.")
  private String teacher;

  @Option(
      names = "--distill-embeddings",
      split = ",",
      paramLabel = "DIR",
      description =
          "Learns from a model whose embeddings Embed stored: the folder of the images', a comma, the folder of the captions'.")
  private Path[] folders;

  /**
   * A teacher and what is to be closed after it.
   *
   * @param teacher null for none
   */
  public record OpenTeacher(Teacher teacher, AutoCloseable... owned) implements AutoCloseable {
    @Override
    public void close() throws IOException {
      for (AutoCloseable each : owned) {
        try {
          each.close();
        } catch (IOException | RuntimeException e) {
          throw e;
        } catch (Exception e) {
          throw new IllegalStateException(e);
        }
      }
    }
  }

  /** Opens what was named. */
  public OpenTeacher open(Device device) throws IOException {
    if (teacher != null && folders != null) {
      throw new IllegalArgumentException(
          "--distill and --distill-embeddings name two teachers; a training has one");
    }
    if (teacher != null) {
      OpenModel model = OpenModel.load(teacher, device, Precision.FP32);
      return new OpenTeacher(
          Teacher.of(model.model(), model.transform(), model.tokenizer()), model);
    }
    if (folders == null) {
      return new OpenTeacher(null);
    }
    if (folders.length != 2) {
      throw new IllegalArgumentException(
          "--distill-embeddings takes two folders with a comma between them, of images and of"
              + " captions, found "
              + folders.length);
    }
    Embeddings images = Embeddings.open(folders[0]);
    Embeddings texts = Embeddings.open(folders[1]);
    require(images, folders[0], ModelFacts.IMAGES);
    require(texts, folders[1], ModelFacts.TEXTS);
    Path root = Path.of(images.notes().get(ModelFacts.ROOT));
    double scale = Double.parseDouble(images.notes().get(ModelFacts.LOGIT_SCALE));
    return new OpenTeacher(Teacher.stored(images, root, texts, scale), images, texts);
  }

  private static void require(Embeddings embeddings, Path folder, String of) throws IOException {
    if (!of.equals(embeddings.facts().get(ModelFacts.OF))) {
      throw new IOException(folder + " holds no embeddings of " + of);
    }
    if (!embeddings.notes().containsKey(ModelFacts.LOGIT_SCALE)) {
      throw new IOException(
          folder + " does not say its model's logit scale; embed into a new folder");
    }
  }
}
