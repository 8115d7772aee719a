package org.clip4j.examples;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.clip4j.Clip;
import org.clip4j.data.ImageTextPair;
import org.clip4j.data.PairSource;

/**
 * Retrieval among pairs: how often the right one is the most similar, or among the five most
 * similar. The right one is that of the same row, also where another row has the same caption.
 */
record Retrieval(
    int pairs, double textToImage1, double textToImage5, double imageToText1, double imageToText5) {

  static Retrieval of(Clip clip, PairSource source) {
    List<float[]> images = new ArrayList<>();
    List<String> captions = new ArrayList<>();
    for (int i = 0; i < source.size(); i++) {
      ImageTextPair pair = source.get(i);
      try {
        images.add(clip.encodeImage(pair.image().read()));
      } catch (IOException e) {
        System.err.println("left out of the retrieval: " + e.getMessage());
        continue;
      }
      captions.add(pair.captions().get(0));
    }
    float[][] texts = clip.encodeTexts(captions);
    int n = texts.length;
    double[][] similarity = new double[n][n]; // [text, image]
    for (int t = 0; t < n; t++) {
      for (int i = 0; i < n; i++) {
        similarity[t][i] = Clip.cosine(texts[t], images.get(i));
      }
    }
    int[] hits = new int[4];
    for (int row = 0; row < n; row++) {
      int imageRank = 0;
      int textRank = 0;
      for (int other = 0; other < n; other++) {
        imageRank += similarity[row][other] > similarity[row][row] ? 1 : 0;
        textRank += similarity[other][row] > similarity[row][row] ? 1 : 0;
      }
      hits[0] += imageRank < 1 ? 1 : 0;
      hits[1] += imageRank < 5 ? 1 : 0;
      hits[2] += textRank < 1 ? 1 : 0;
      hits[3] += textRank < 5 ? 1 : 0;
    }
    return new Retrieval(
        n, hits[0] / (double) n, hits[1] / (double) n, hits[2] / (double) n, hits[3] / (double) n);
  }

  JsonObject toJson() {
    JsonObject json = new JsonObject();
    json.addProperty("pairs", pairs);
    json.addProperty("text_to_image_r1", textToImage1);
    json.addProperty("text_to_image_r5", textToImage5);
    json.addProperty("image_to_text_r1", imageToText1);
    json.addProperty("image_to_text_r5", imageToText5);
    return json;
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "Retrieval among %d held-out pairs: text to image R@1 %.1f %%, R@5 %.1f %%; image to text R@1 %.1f %%, R@5 %.1f %%",
        pairs,
        100 * textToImage1,
        100 * textToImage5,
        100 * imageToText1,
        100 * imageToText5);
  }
}
