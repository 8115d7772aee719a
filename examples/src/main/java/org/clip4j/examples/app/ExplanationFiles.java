package org.clip4j.examples.app;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.clip4j.encode.ImageSource;
import org.clip4j.explain.Explainer;
import org.clip4j.explain.Explanation;
import org.clip4j.explain.TokenRelevance;
import org.clip4j.image.ImageDecoder;

/** Explanations as the command line shows them: a picture each, and the relevance of each token. */
public record ExplanationFiles(Path folder, ImageDecoder decoder) {

  /** Explains each text for each image. */
  public void write(Explainer explainer, List<Path> images, List<String> texts) throws IOException {
    Files.createDirectories(folder);
    for (int i = 0; i < images.size(); i++) {
      ImageSource image = ImageSource.of(images.get(i), decoder);
      List<Explanation> explanations = explainer.explain(image, texts);
      for (int t = 0; t < explanations.size(); t++) {
        String number = images.size() == 1 ? "" + (t + 1) : (i + 1) + "-" + (t + 1);
        Path file = folder.resolve(stem(images.get(i)) + "-" + number + ".png");
        explanations.get(t).heatMap().writeOverlay(image.read(), file);
        print(images.get(i), explanations.get(t), file);
      }
    }
  }

  private static String stem(Path image) {
    return image.getFileName().toString().replaceFirst("\\.[^.]*$", "");
  }

  private static void print(Path image, Explanation why, Path file) {
    System.out.printf(
        Locale.ROOT, "%s  \"%s\"  cosine %.3f  %s%n", image, why.text(), why.cosine(), file);
    List<TokenRelevance> tokens =
        why.tokens().stream().filter(token -> !token.word().isEmpty()).toList();
    double all = tokens.stream().mapToDouble(TokenRelevance::relevance).sum();
    for (TokenRelevance token : tokens) {
      System.out.printf(
          Locale.ROOT,
          "  %5.1f %%  %s (token %d)%n",
          all == 0 ? 0 : 100 * token.relevance() / all,
          token.word(),
          token.id());
    }
  }
}
