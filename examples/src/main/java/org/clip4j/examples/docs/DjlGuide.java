package org.clip4j.examples.docs;

import ai.djl.Device;
import ai.djl.inference.Predictor;
import ai.djl.modality.Classifications;
import ai.djl.modality.cv.Image;
import ai.djl.modality.cv.ImageFactory;
import ai.djl.repository.zoo.Criteria;
import ai.djl.repository.zoo.ZooModel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.clip4j.Clip;
import org.clip4j.djl.ClipTranslators;
import org.clip4j.djl.ClipZoo;

/** Predictors of DJL's, for applications that are built on its interfaces. */
final class DjlGuide {
  private DjlGuide() {}

  static Classifications classify() throws Exception {
    Criteria<Image, Classifications> criteria =
        Criteria.builder()
            .setTypes(Image.class, Classifications.class)
            .optModelZoo(ClipZoo.of("openai/clip-vit-base-patch32")) // or a folder, or a file
            .optArgument("labels", List.of("cat", "dog", "rabbit"))
            .optArgument("templates", List.of("a photo of a {}.", "a drawing of a {}."))
            .optDevice(Device.cpu())
            .build();
    try (ZooModel<Image, Classifications> model = criteria.loadModel();
        Predictor<Image, Classifications> pets = model.newPredictor()) {
      return pets.predict(ImageFactory.getInstance().fromFile(Path.of("dog.jpg")));
    }
  }

  static List<float[]> embed(ZooModel<?, ?> model, List<Image> images) throws Exception {
    // One loaded model serves every kind of predictor.
    try (Predictor<Image, float[]> encoder = model.newPredictor(ClipTranslators.imageEmbedding());
        Predictor<String, float[]> texts = model.newPredictor(ClipTranslators.textEmbedding())) {
      float[] query = texts.predict("a photo of a dog"); // unit length, as images' are
      List<float[]> found = new ArrayList<>(encoder.batchPredict(images));
      found.sort((a, b) -> Double.compare(Clip.cosine(b, query), Clip.cosine(a, query)));
      return found;
    }
  }
}
