package org.clip4j.examples.app.tune;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntPredicate;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.clip4j.data.CorruptedImage;
import org.clip4j.data.ImageTextPair;
import org.clip4j.data.PairSource;
import org.clip4j.data.Pairs;
import org.clip4j.encode.ImageSource;
import org.clip4j.eval.Retrieval;
import org.clip4j.examples.app.evaluate.OpenModel;
import org.clip4j.examples.options.LabelledOptions;
import org.clip4j.image.Corruption;

/**
 * Finding images by their captions, and captions by their images.
 *
 * @param shifted sets of pairs of the same kind; empty for the test images, spoilt
 */
record CaptionTask(
    String name,
    PairSource training,
    PairSource choosing,
    PairSource test,
    Map<String, PairSource> shifted)
    implements TuneTask {

  /** Reads and divides the pairs. */
  static CaptionTask of(
      LabelledOptions data, String[] captionColumns, Path test, Map<String, Path> shifted)
      throws IOException {
    PairSource all = data.pairs(captionColumns);
    List<ImageTextPair> images = byImage(all);
    Map<String, PairSource> shifts = new LinkedHashMap<>();
    for (Map.Entry<String, Path> each : shifted.entrySet()) {
      shifts.put(each.getKey(), Pairs.of(byImage(data.pairs(each.getValue(), captionColumns))));
    }
    return new CaptionTask(
        all.name(),
        part(images, place -> place % 5 != 3 && (test != null || place % 5 != 4)),
        part(images, place -> place % 5 == 3),
        test == null
            ? part(images, place -> place % 5 == 4)
            : Pairs.of(byImage(data.pairs(test, captionColumns))),
        shifts);
  }

  /** One pair for each image, so that none is on two sides of the division. */
  private static List<ImageTextPair> byImage(PairSource pairs) {
    Map<String, ImageSource> images = new LinkedHashMap<>();
    Map<String, List<String>> captions = new LinkedHashMap<>();
    for (int i = 0; i < pairs.size(); i++) {
      ImageTextPair pair = pairs.get(i);
      images.putIfAbsent(pair.image().name(), pair.image());
      captions
          .computeIfAbsent(pair.image().name(), name -> new ArrayList<>())
          .addAll(pair.captions());
    }
    return images.entrySet().stream()
        .map(image -> new ImageTextPair(image.getValue(), captions.get(image.getKey())))
        .toList();
  }

  private static PairSource part(List<ImageTextPair> images, IntPredicate places) {
    List<ImageTextPair> chosen =
        IntStream.range(0, images.size()).filter(places).mapToObj(images::get).toList();
    if (chosen.isEmpty()) {
      throw new IllegalArgumentException(
          "fine-tuning needs at least 5 images with captions, of which it trains on three, chooses"
              + " alpha by one and tests one; found "
              + images.size());
    }
    return Pairs.of(chosen);
  }

  @Override
  public int trained() {
    return training.size();
  }

  @Override
  public int tested() {
    return test.size();
  }

  @Override
  public PairSource pairs(TuneMethod method) {
    if (method == TuneMethod.FLYP) {
      throw new IllegalArgumentException(
          "flyp trains on prompts of classes, and the data are captions; full trains all weights on"
              + " these by the same loss");
    }
    return training;
  }

  @Override
  public String texts(TuneMethod method) {
    return "captions";
  }

  @Override
  public double choosing(OpenModel model) {
    return target(Retrieval.of(model.encoder(), choosing));
  }

  @Override
  public double test(OpenModel model) {
    return target(Retrieval.of(model.encoder(), test));
  }

  @Override
  public Tested tested(OpenModel model) {
    Retrieval.Encoded encoded = Retrieval.encode(model.encoder(), test, Integer.MAX_VALUE);
    Retrieval found = encoded.measure();
    Map<String, Double> recalls = new LinkedHashMap<>();
    put(recalls, "image by text", found.textToImage());
    put(recalls, "text by image", found.imageToText());
    double shift =
        (shifted.isEmpty()
                ? IntStream.range(0, Corruption.values().length * Corruption.SEVERITIES)
                    .mapToObj(i -> spoilt(model, encoded, i))
                : shifted.values().stream().map(each -> Retrieval.of(model.encoder(), each)))
            .mapToDouble(CaptionTask::target)
            .average()
            .orElseThrow();
    return new Tested(target(found), shift, recalls);
  }

  private Retrieval spoilt(OpenModel model, Retrieval.Encoded clean, int number) {
    Corruption corruption = Corruption.values()[number / Corruption.SEVERITIES];
    UnaryOperator<ImageSource> spoil =
        image -> new CorruptedImage(image, corruption, number % Corruption.SEVERITIES + 1, 0);
    List<ImageSource> images =
        IntStream.of(clean.pairs()).mapToObj(i -> spoil.apply(test.get(i).image())).toList();
    return Retrieval.of(model.encoder().encodeImages(images), clean.texts(), clean.imageOfText());
  }

  private static double target(Retrieval retrieval) {
    return (retrieval.textToImage().at1() + retrieval.imageToText().at1()) / 2;
  }

  private static void put(Map<String, Double> recalls, String found, Retrieval.Recall recall) {
    recalls.put(found + ", R@1", recall.at1());
    recalls.put(found + ", R@5", recall.at5());
    recalls.put(found + ", R@10", recall.at10());
  }

  @Override
  public String measure() {
    return "mean R@1 of images by text and of texts by image";
  }

  @Override
  public String shifts() {
    return TuneTask.shifts(shifted);
  }
}
