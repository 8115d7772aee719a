package org.clip4j.examples.docs;

import java.io.IOException;
import java.nio.file.Path;
import org.clip4j.Clip;
import org.clip4j.data.LabelledImages;
import org.clip4j.data.PairFeed;
import org.clip4j.data.PairSource;
import org.clip4j.encode.ClassNames;
import org.clip4j.encode.PromptSet;
import org.clip4j.eval.probe.TipAdapter;
import org.clip4j.image.ImageDecoder;
import org.clip4j.image.ImageTransform;
import org.clip4j.model.ClipModel;
import org.clip4j.model.LoraOptions;
import org.clip4j.text.Tokenizer;
import org.clip4j.train.ClipTrainer;
import org.clip4j.train.options.Teacher;
import org.clip4j.weights.Checkpoint;
import org.clip4j.weights.Layout;
import org.clip4j.weights.WeightAverage;
import org.clip4j.weights.tensors.TensorType;

/** The snippets of docs/fine-tuning.md, so that they stay compilable. */
final class FineTuningGuide {
  private FineTuningGuide() {}

  static void train(ClipModel model, PairFeed pairs) throws IOException {
    LoraOptions options =
        LoraOptions.builder().optRank(4).optTowers(ClipModel.Tower.IMAGES).build();
    ClipTrainer.builder()
        .setModel(model)
        .setPairs(pairs)
        .setOutput(Path.of("run"))
        .optLora(options)
        .build()
        .train();
  }

  static void name() {
    try (Clip clip =
        Clip.loader("laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K")
            .optAdapter("emoji", Path.of("emoji-run"))
            .optAdapter("birds", Path.of("birds-run"))
            .load()) {
      float[] base = clip.encodeImage(Path.of("dog.jpg"));
      float[] emoji = clip.adapted("emoji").encodeImage(Path.of("dog.jpg")); // loads nothing
      float[] both = clip.adapted("emoji", "birds").encodeImage(Path.of("dog.jpg"));
    }
  }

  static void average() throws IOException {
    try (Checkpoint base =
            Clip.loader("laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K").openCheckpoint();
        Checkpoint tuned = Checkpoint.open(Path.of("run"))) {
      WeightAverage.between(base, tuned, 0.5)
          .write(Path.of("half"), Layout.OPENCLIP, TensorType.F32);
    }
  }

  static void cache(
      Clip clip,
      float[][] features,
      int[] labels,
      float[][] classWeights,
      float[][] validation,
      int[] validationLabels) {
    TipAdapter adapter =
        TipAdapter.of(features, labels, classWeights).searched(validation, validationLabels);
    float[] logits = adapter.scores(clip.encodeImage(Path.of("dog.jpg")));
  }

  static PairSource prompts() throws IOException {
    LabelledImages birds = LabelledImages.classFolders(Path.of("birds"), ImageDecoder.defaults());
    PairSource pairs =
        birds.withPrompts(ClassNames.fromLabels(birds.labels()), PromptSet.imageNet7());
    return pairs;
  }

  static void distill(
      ClipModel student,
      PairFeed pairs,
      ClipModel teacher,
      ImageTransform transform,
      Tokenizer tokenizer)
      throws IOException {
    ClipTrainer.builder()
        .setModel(student)
        .setPairs(pairs)
        .setOutput(Path.of("run"))
        .optTeacher(Teacher.of(teacher, transform, tokenizer))
        .build()
        .train();
  }
}
