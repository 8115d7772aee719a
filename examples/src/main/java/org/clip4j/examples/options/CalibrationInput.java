package org.clip4j.examples.options;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.clip4j.data.ImageList;
import org.clip4j.data.Images;
import org.clip4j.data.PairSource;
import org.clip4j.data.Pairs;
import org.clip4j.encode.ImageSource;
import org.clip4j.image.ImageDecoder;
import org.clip4j.quantize.Quantizer;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/** Typical inputs of a model: with or without knowing which text belongs to which image. */
public final class CalibrationInput {
  @ArgGroup(exclusive = false)
  private Loose loose;

  @Option(
      names = "--pairs",
      required = true,
      paramLabel = "TABLE",
      description = "A CSV or TSV file with the columns file and caption; measures recall, too.")
  private Path pairs;

  /** Images and texts that do not belong together. */
  static final class Loose {
    @Option(
        names = "--images",
        required = true,
        paramLabel = "DIR",
        description = "A folder of typical images.")
    private Path images;

    @Option(
        names = "--texts",
        required = true,
        paramLabel = "FILE",
        description = "Typical texts, one on a line.")
    private Path texts;
  }

  /** Gives the quantizer the first ones, so many at most. */
  public void give(Quantizer quantizer, int most) throws IOException {
    if (pairs != null) {
      PairSource source = Pairs.table(pairs).setColumns("file", "caption").build();
      int count = Math.min(most, source.size());
      List<ImageSource> images = new ArrayList<>();
      List<String> captions = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        images.add(source.get(i).image());
        captions.add(source.get(i).captions().get(0));
      }
      quantizer.setPairs(images, captions);
    } else {
      ImageList found = Images.folder(loose.images, ImageDecoder.defaults());
      quantizer.setImages(
          IntStream.range(0, Math.min(most, found.size())).mapToObj(found::get).toList());
      quantizer.setTexts(
          Files.readAllLines(loose.texts).stream()
              .filter(line -> !line.isBlank())
              .limit(most)
              .toList());
    }
  }
}
