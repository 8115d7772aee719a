package org.clip4j.examples.docs;

import ai.djl.modality.Classifications;
import java.io.IOException;
import java.nio.file.Path;
import org.clip4j.Clip;
import org.clip4j.ZeroShotClassifier;
import org.clip4j.data.Pairs;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipModel;
import org.clip4j.train.ClipTrainer;
import org.clip4j.train.TrainingResult;

/** The README's snippets, compiled; a test holds the README to them. */
final class FrontDoor {
  private FrontDoor() {}

  static Classifications use() {
    // a model on the hub; a folder or a weights file will do as well
    try (Clip clip = Clip.load("laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K")) {
      float[] image = clip.encodeImage(Path.of("dog.jpg")); // unit length
      float[] text = clip.encodeText("a photo of a dog");
      double similarity = Clip.cosine(image, text);
      ZeroShotClassifier pets =
          clip.zeroShot("cat", "dog", "rabbit")
              .optTemplates("a photo of a {}.", "a drawing of a {}.")
              .build();
      Classifications answer = pets.classify(Path.of("dog.jpg"));
      return similarity > 0 ? answer : null;
    }
  }

  static TrainingResult train() throws IOException {
    try (ClipModel model = ClipModel.create(ClipConfig.named("ViT-Ti-8-64"), 0)) {
      TrainingResult result =
          ClipTrainer.builder()
              .setModel(model)
              .setPairs(Pairs.table(Path.of("captions.tsv")).setColumns("file", "caption").build())
              .setOutput(Path.of("run"))
              .optBatchSize(128)
              .optEpochs(30)
              .build()
              .train();
      return result;
    }
  }
}
