package org.clip4j.examples.app.train;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.clip4j.Clip;
import org.clip4j.ZeroShotClassifier;
import org.clip4j.data.LabelledImage;
import org.clip4j.examples.app.report.HtmlReport.Score;
import org.clip4j.image.RgbImage;

/** Labelled images with their embeddings: row n of each list belongs to one image. */
public record TestImages(List<RgbImage> images, List<String> labels, List<float[]> embeddings) {

  public static TestImages of(Clip clip, List<String> labels, List<LabelledImage> source)
      throws IOException {
    TestImages test = new TestImages(new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
    for (LabelledImage labelled : source) {
      RgbImage image = labelled.image().read();
      test.images.add(image);
      test.labels.add(labels.get(labelled.label()));
      test.embeddings.add(clip.encodeImage(image));
    }
    return test;
  }

  /** Top-1 accuracy. */
  public Score score(String name, ZeroShotClassifier classifier) {
    int right = 0;
    for (int i = 0; i < images.size(); i++) {
      String answer = classifier.classify(embeddings.get(i)).best().getClassName();
      right += answer.equals(labels.get(i)) ? 1 : 0;
    }
    return new Score(name, right, images.size(), 1.0 / classifier.labels().size());
  }
}
