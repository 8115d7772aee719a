package org.clip4j.examples.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.clip4j.Clip;
import org.clip4j.encode.ImageSource;
import org.clip4j.examples.options.DeviceOption;
import org.clip4j.examples.options.Range;
import org.clip4j.image.RgbImage;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What is encoded, in several ways, each until it has taken long enough. */
abstract class InferCases {

  /** What is measured. */
  enum Case {
    /** Images/s of a batch, decoded and of the model's size. */
    IMAGES,
    /** Captions/s of a batch, as text. */
    CAPTIONS,
    /** Milliseconds of one image, decoded and of the model's size. */
    IMAGE,
    /** Milliseconds of one caption, as text. */
    CAPTION,
    /** Images/s of files. */
    FILES,
    /** Prompts/s of a zero-shot classifier. */
    CLASSES
  }

  @Option(names = "--model", required = true, description = "A folder or a model's name.")
  String model;

  @Mixin DeviceOption device;

  @Option(
      names = "--cases",
      split = ",",
      defaultValue = "IMAGES,CAPTIONS,IMAGE,CAPTION,CLASSES",
      description = "${COMPLETION-CANDIDATES}.")
  List<Case> cases;

  @Option(names = "--batch", defaultValue = "32", description = "Images or captions of a batch.")
  @Range(min = 1)
  int batch;

  @Option(
      names = "--tokens",
      defaultValue = "12",
      description = "Tokens of a caption, start and end included.")
  @Range(min = 2)
  int tokens;

  @Option(names = "--classes", defaultValue = "10", description = "Classes, of 80 prompts each.")
  @Range(min = 1)
  private int classes;

  @Option(names = "--files", description = "The folder of images of the case FILES.")
  private Path files;

  @Option(names = "--seconds", defaultValue = "5", description = "Time for each case, at least.")
  @Range(above = 0)
  double seconds;

  final double value(Case what, Clip clip) throws IOException {
    int size = clip.model().config().vision().imageHeight();
    Random random = new Random(0);
    return switch (what) {
      case IMAGES -> {
        List<ImageSource> images =
            Stream.generate(() -> noise(random, size)).limit(batch).map(ImageSource::of).toList();
        yield rate(
            batch, () -> clip.encodeImages(images.iterator(), (index, image, embedding) -> {}));
      }
      case CAPTIONS -> {
        List<String> captions =
            Stream.generate(() -> caption(random, tokens)).limit(batch).toList();
        yield rate(batch, () -> clip.encodeTexts(captions));
      }
      case IMAGE -> {
        RgbImage image = noise(random, size);
        yield milliseconds(() -> clip.encodeImage(image));
      }
      case CAPTION -> {
        String caption = caption(random, tokens);
        yield milliseconds(() -> clip.encodeText(caption));
      }
      case FILES -> {
        try (Stream<Path> list = Files.list(files)) {
          List<Path> paths = list.sorted().toList();
          yield rate(paths.size(), () -> clip.encodeImages(paths));
        }
      }
      case CLASSES -> {
        List<String> names =
            IntStream.range(0, classes).mapToObj(i -> "thing " + (char) ('a' + i % 26)).toList();
        List<String> distinct =
            IntStream.range(0, classes).mapToObj(i -> names.get(i) + " " + i).toList();
        List<String> templates =
            IntStream.range(0, 80)
                .mapToObj(i -> "a " + start(caption(random, tokens), 2 + 2 * (i % 5)) + "of a {}.")
                .toList();
        yield rate(80 * classes, () -> clip.zeroShot(distinct).optTemplates(templates).build());
      }
    };
  }

  private static String start(String text, int length) {
    return text.substring(0, Math.min(length, text.length()));
  }

  private static RgbImage noise(Random random, int size) {
    byte[] pixels = new byte[3 * size * size];
    random.nextBytes(pixels);
    return new RgbImage(size, size, pixels);
  }

  /** A letter is one token. */
  static String caption(Random random, int tokens) {
    return IntStream.range(0, tokens - 2)
        .mapToObj(i -> String.valueOf((char) ('a' + random.nextInt(26))))
        .collect(Collectors.joining(" "));
  }

  private double rate(int count, Runnable work) {
    return count / median(work);
  }

  private double milliseconds(Runnable work) {
    return 1000 * median(work);
  }

  /** Seconds of the median run, after two that are not counted. */
  final double median(Runnable work) {
    work.run();
    work.run();
    List<Double> times = new ArrayList<>();
    for (double total = 0; total < seconds || times.size() < 3; ) {
      long start = System.nanoTime();
      work.run();
      times.add((System.nanoTime() - start) / 1e9);
      total += times.get(times.size() - 1);
    }
    double[] sorted = times.stream().mapToDouble(t -> t).toArray();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }
}
