package org.clip4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import java.util.function.UnaryOperator;
import org.clip4j.data.PairTable;
import org.clip4j.data.Pairs;
import org.clip4j.data.TestShards;
import org.clip4j.encode.Encoder;
import org.clip4j.encode.ImageSource;
import org.clip4j.image.ImageTransform;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipModel;
import org.clip4j.search.EmbeddingWriter;
import org.clip4j.search.Embeddings;
import org.clip4j.train.options.Teacher;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TeacherTest {
  /** Another number of dimensions than the student's. */
  private static final ClipConfig TEACHER =
      new ClipConfig(24, SmallTraining.VIT.vision(), SmallTraining.VIT.text(), false);

  private static final ImageTransform TRANSFORM = ImageTransform.openai(32, 32);

  @TempDir Path folder;

  private static Teacher online(ClipModel teacher) {
    return Teacher.of(teacher, TRANSFORM, new SmallTraining.Letters());
  }

  private static TrainingResult train(
      ClipModel model, Path output, long stopAfter, UnaryOperator<ClipTrainer.Builder> options)
      throws IOException {
    ClipTrainer[] trainer = new ClipTrainer[1];
    trainer[0] =
        options
            .apply(SmallTraining.builder(model, output))
            .optListener(
                progress -> {
                  if (progress.step() == stopAfter) {
                    trainer[0].cancel();
                  }
                })
            .build();
    return trainer[0].train();
  }

  @Test
  void a_resumed_training_with_a_teacher_ends_with_the_same_bits() throws IOException {
    try (ClipModel teacher = ClipModel.create(TEACHER, 1);
        ClipModel whole = ClipModel.create(SmallTraining.VIT, 3);
        ClipModel stopped = ClipModel.create(SmallTraining.VIT, 3);
        ClipModel resumed = ClipModel.create(SmallTraining.VIT, 3);
        ClipModel alone = ClipModel.create(SmallTraining.VIT, 3)) {
      UnaryOperator<ClipTrainer.Builder> taught = b -> b.optTeacher(online(teacher));
      UnaryOperator<ClipTrainer.Builder> saving =
          b -> b.optCheckpoints(c -> c.optEverySteps(100).optResume(true));
      float[] losses = train(whole, null, -1, taught).losses();
      train(stopped, folder, 5, b -> taught.apply(saving.apply(b)));
      assertThatThrownBy(() -> train(alone, folder, -1, saving))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("teacher: was crc32c");
      float[] again = train(resumed, folder, -1, b -> taught.apply(saving.apply(b))).losses();
      assertThat(again).isEqualTo(losses);
      assertThat(SmallTraining.weights(resumed))
          .usingRecursiveComparison()
          .isEqualTo(SmallTraining.weights(whole));
      assertThat(losses[0]).isGreaterThan(1 + train(alone, null, 1, b -> b).losses()[0]);
    }
  }

  private PairTable table() throws IOException {
    StringBuilder rows = new StringBuilder("file\tcaption\n");
    for (int i = 0; i < 12; i++) {
      Files.write(folder.resolve(i + ".png"), TestShards.png(i));
      rows.append(i).append(".png\tshape ").append(i % 5).append('\n');
    }
    Path file = folder.resolve("pairs.tsv");
    Files.writeString(file, rows);
    return Pairs.table(file).setColumns("file", "caption").build();
  }

  private Embeddings embed(String kind, List<String> names, float[][] rows, String weights)
      throws IOException {
    Path out = folder.resolve(kind);
    boolean images = kind.equals("images");
    String[] columns = images ? new String[] {"file", "member"} : new String[] {"text"};
    try (EmbeddingWriter writer =
        EmbeddingWriter.into(out)
            .setDimensions(rows[0].length)
            .setColumns(columns)
            .optFacts(Map.of("weights", weights))
            .open()) {
      IntFunction<List<String>> name =
          i -> images ? List.of(names.get(i), "") : List.of(names.get(i));
      writer.resume(rows.length, name);
      for (int i = 0; i < rows.length; i++) {
        writer.add(rows[i], name.apply(i));
      }
      writer.finish();
    }
    return Embeddings.open(out);
  }

  @Test
  void stored_embeddings_teach_as_their_model_does() throws IOException {
    PairTable pairs = table();
    List<String> files = new ArrayList<>();
    List<String> captions = new ArrayList<>();
    for (int i = 0; i < pairs.size(); i++) {
      files.add(i + ".png");
      captions.add("shape " + i % 5);
    }
    try (ClipModel teacher = ClipModel.create(TEACHER, 1);
        Encoder encoder = new Encoder(teacher, TRANSFORM, new SmallTraining.Letters());
        Embeddings images =
            embed(
                "images",
                files,
                encoder.encodeImages(
                    files.stream().map(file -> ImageSource.of(folder.resolve(file))).toList()),
                "crc32c 1");
        Embeddings texts =
            embed(
                "texts",
                captions.subList(0, 5),
                encoder.encodeTexts(captions.subList(0, 5)),
                "crc32c 1");
        ClipModel one = ClipModel.create(SmallTraining.VIT, 3);
        ClipModel other = ClipModel.create(SmallTraining.VIT, 3)) {
      UnaryOperator<ClipTrainer.Builder> plain =
          b -> b.setPairs(pairs).optBatchSize(6).optSteps(3).optData(d -> d.optAugmentation(null));
      Teacher stored = Teacher.stored(images, folder, texts, teacher.logitScale());
      float[] online =
          train(one, null, -1, b -> plain.apply(b).optTeacher(online(teacher))).losses();
      float[] found = train(other, null, -1, b -> plain.apply(b).optTeacher(stored)).losses();
      for (int i = 0; i < found.length; i++) {
        assertThat(found[i]).isCloseTo(online[i], within(2e-5f));
      }
      assertThatThrownBy(
              () ->
                  train(
                      other,
                      null,
                      -1,
                      b ->
                          plain
                              .apply(b)
                              .setPairs(SmallTraining.SHAPES.training(50))
                              .optTeacher(stored)))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("no embedding of the image")
          .hasMessageContaining("12");
    }
  }

  @Test
  void teachers_that_cannot_teach_are_refused() throws IOException {
    float[][] three = {{1, 0, 0}};
    float[][] two = {{1, 0}};
    try (ClipModel teacher = ClipModel.create(TEACHER, 1);
        ClipModel student = ClipModel.create(SmallTraining.VIT, 1);
        Embeddings images = embed("images", List.of("a.png"), three, "crc32c 1");
        Embeddings texts = embed("texts", List.of("a"), two, "crc32c 2")) {
      assertThatThrownBy(() -> Teacher.stored(images, folder, texts, 100))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("3 dimensions, weights crc32c 1")
          .hasMessageContaining("2 dimensions, weights crc32c 2");
      Teacher larger =
          Teacher.of(teacher, ImageTransform.openai(48, 48), new SmallTraining.Letters());
      assertThatThrownBy(() -> SmallTraining.builder(student, null).optTeacher(larger).build())
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("48 x 48")
          .hasMessageContaining("32 x 32");
    }
    ClipConfig sigmoid =
        new ClipConfig(
            16, SmallTraining.VIT.vision(), SmallTraining.VIT.text(), false, false, 2.3, -10.0);
    try (ClipModel teacher = ClipModel.create(TEACHER, 1);
        ClipModel student = ClipModel.create(sigmoid, 1)) {
      assertThatThrownBy(
              () -> SmallTraining.builder(student, null).optTeacher(online(teacher)).build())
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("sigmoid");
    }
  }
}
