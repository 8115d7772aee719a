package org.clip4j.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.clip4j.eval.Retrieval.Recall;
import org.junit.jupiter.api.Test;

class RetrievalTest {

  /** A unit vector in the plane. */
  private static float[] at(double degrees) {
    double angle = Math.toRadians(degrees);
    return new float[] {(float) Math.cos(angle), (float) Math.sin(angle)};
  }

  @Test
  void ranks_are_those_counted_by_hand() {
    // In the plane the nearer angle is the more similar one.
    float[][] images = {at(0), at(20), at(90)};
    float[][] texts = {at(5), at(2), at(80)};
    Retrieval retrieval = Retrieval.of(images, texts, new int[] {0, 1, 2});
    // Text 1 at 2 degrees has image 0 (2 away) before its own (18 away); the others find theirs.
    assertThat(retrieval.textToImage().at1()).isCloseTo(2 / 3.0, within(1e-12));
    // Image 0 has text 1 (2 away) before its own (5); image 1 has text 0 (15) before its own (18).
    assertThat(retrieval.imageToText().at1()).isCloseTo(1 / 3.0, within(1e-12));
    assertThat(retrieval.textToImage().at5()).isEqualTo(1);
    assertThat(retrieval.imageToText().at5()).isEqualTo(1);
  }

  @Test
  void of_several_captions_the_best_counts_for_the_image_and_each_for_itself() {
    float[][] images = {at(0), at(60)};
    float[][] texts = {at(1), at(50), at(59), at(58)};
    Retrieval retrieval = Retrieval.of(images, texts, new int[] {0, 0, 1, 1});
    // The second caption of image 0 is nearer to image 1: it misses, the image does not.
    assertThat(retrieval.textToImage().at1()).isEqualTo(0.75);
    assertThat(retrieval.imageToText().at1()).isEqualTo(1);
    assertThat(retrieval.images()).isEqualTo(2);
    assertThat(retrieval.texts()).isEqualTo(4);
  }

  @Test
  void five_and_ten_are_told_apart() {
    // Images 0 to 11 every degree; each text lies so that its own image has a known rank.
    float[][] images = new float[12][];
    for (int i = 0; i < images.length; i++) {
      images[i] = at(i);
    }
    int[] own = {0, 4, 5, 9, 10, 11, 1, 2, 3, 6, 7, 8}; // from an angle below 0 the rank is i
    float[][] texts = new float[12][];
    for (int t = 0; t < texts.length; t++) {
      texts[t] = at(-1 - t / 100.0);
    }
    Recall recall = Retrieval.of(images, texts, own).textToImage();
    assertThat(recall).isEqualTo(new Recall(1 / 12.0, 5 / 12.0, 10 / 12.0));
  }

  @Test
  void a_collapsed_model_finds_nothing() {
    float[][] same = {at(30), at(30), at(30)};
    Retrieval retrieval = Retrieval.of(same, same, new int[] {0, 1, 2});
    assertThat(retrieval.textToImage().at1()).isZero();
    assertThat(retrieval.imageToText().at1()).isZero();
  }

  @Test
  void what_is_not_a_number_finds_nothing() {
    float[][] broken = {{Float.NaN, 0}, {Float.NaN, 0}};
    Retrieval retrieval = Retrieval.of(broken, broken, new int[] {0, 1});
    assertThat(retrieval.textToImage().at1()).isZero();
    assertThat(retrieval.imageToText().at1()).isZero();
  }

  @Test
  void chance_is_one_in_the_number_of_candidates() {
    Random random = new Random(5);
    int n = 400;
    float[][] images = new float[n][];
    float[][] texts = new float[n][];
    int[] own = new int[n];
    for (int i = 0; i < n; i++) {
      images[i] = at(360 * random.nextDouble());
      texts[i] = at(360 * random.nextDouble());
      own[i] = i;
    }
    Recall recall = Retrieval.of(images, texts, own).imageToText();
    assertThat(recall.at10()).isBetween(0.5 * 10 / n, 2.0 * 10 / n);
  }

  @Test
  void nothing_to_retrieve_is_an_error() {
    assertThatThrownBy(() -> Retrieval.of(new float[0][], new float[0][], new int[0]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("at least one image");
  }

  @Test
  void accuracy_is_the_one_counted_by_hand() {
    float[][] classes = {at(0), at(30), at(60), at(90), at(120), at(150), at(180)};
    float[][] images = {at(2), at(32), at(70), at(178), at(178)};
    // Nearest classes 0, 1, 2, 6, 6. The 4th is right second (class 5), the 5th right seventh.
    ZeroShotAccuracy accuracy = ZeroShotAccuracy.of(images, new int[] {0, 1, 2, 5, 0}, classes);
    assertThat(accuracy.top1()).isEqualTo(0.6);
    assertThat(accuracy.top5()).isEqualTo(0.8);
  }

  @Test
  void a_class_as_similar_as_the_right_one_counts_as_more_similar() {
    float[][] classes = {at(10), at(10), at(200)};
    ZeroShotAccuracy accuracy =
        ZeroShotAccuracy.of(new float[][] {at(10), at(200)}, new int[] {0, 2}, classes);
    assertThat(accuracy.top1()).isEqualTo(0.5);
    assertThat(accuracy.top5()).isEqualTo(1);
  }
}
