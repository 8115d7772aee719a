package org.clip4j.examples.app.evaluate;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.clip4j.data.LabelledImages;
import org.clip4j.encode.ImageSource;
import org.clip4j.eval.ZeroShotEvaluation;
import org.clip4j.examples.app.report.Gallery;
import org.clip4j.examples.app.report.HtmlReport;
import org.clip4j.examples.app.report.HtmlReport.Picture;
import org.clip4j.explain.Explainer;
import org.clip4j.explain.Explanation;
import org.clip4j.figure.Markup;
import org.clip4j.image.RgbImage;

/**
 * Keeps the images of an evaluation that a model is most sure of, right and wrong: whose class is
 * the furthest ahead of the next.
 */
final class ZeroShotPictures implements ZeroShotEvaluation.Listener {
  private static final int GUESSES = 3;

  /** An image with its classes, the best first, and their similarities. */
  private record Answer(int image, int label, int[] classes, double[] cosines) {
    boolean right() {
      return classes[0] == label && lead() > 0;
    }

    double lead() {
      return classes.length < 2 ? 0 : cosines[0] - cosines[1];
    }
  }

  private final PriorityQueue<Answer> right = kept();
  private final PriorityQueue<Answer> wrong = kept();

  /** By image; none where there is no explanation. */
  private final Map<Integer, List<Picture>> explained = new HashMap<>();

  /** The least sure at its head. */
  private static PriorityQueue<Answer> kept() {
    return new PriorityQueue<>(Comparator.comparingDouble(Answer::lead));
  }

  @Override
  public void scores(int image, int label, float[] scores) {
    int[] best =
        IntStream.range(0, scores.length)
            .boxed()
            .sorted(Comparator.comparingDouble(c -> -scores[c]))
            .limit(GUESSES)
            .mapToInt(c -> c)
            .toArray();
    double[] cosines = IntStream.of(best).mapToDouble(c -> scores[c]).toArray();
    Answer answer = new Answer(image, label, best, cosines);
    PriorityQueue<Answer> own = answer.right() ? right : wrong;
    own.add(answer);
    if (own.size() > Gallery.MOST) {
      own.remove();
    }
  }

  /**
   * Draws over each image that is kept what speaks for the class it was taken for, and for the true
   * one where that is another.
   *
   * @param prompt of a class
   */
  void explain(
      Explainer explainer,
      LabelledImages images,
      List<String> classes,
      UnaryOperator<String> prompt) {
    for (PriorityQueue<Answer> kept : List.of(right, wrong)) {
      for (Answer answer : kept) {
        List<String> names =
            answer.right()
                ? List.of(classes.get(answer.label))
                : List.of(classes.get(answer.classes[0]), classes.get(answer.label));
        explained.put(
            answer.image, maps(explainer, images.get(answer.image).image(), names, prompt));
      }
    }
  }

  private static List<Picture> maps(
      Explainer explainer, ImageSource image, List<String> names, UnaryOperator<String> prompt) {
    try {
      RgbImage read = image.read();
      List<Explanation> explanations =
          explainer.explain(ImageSource.of(read), names.stream().map(prompt).toList());
      return IntStream.range(0, names.size())
          .mapToObj(
              i ->
                  new Picture(
                      explanations.get(i).heatMap().overlay(read),
                      "what speaks for " + names.get(i)))
          .toList();
    } catch (IOException e) { // said when the picture itself is shown
      return List.of();
    }
  }

  void add(HtmlReport report, LabelledImages images, List<String> classes) {
    List<Markup> cards = new ArrayList<>();
    for (PriorityQueue<Answer> kept : List.of(right, wrong)) {
      kept.stream()
          .sorted(Comparator.comparingDouble(Answer::lead).reversed())
          .forEach(answer -> cards.add(card(answer, images, classes)));
    }
    report.section(
        "Most confident, right and wrong",
        String.format(
            Locale.ROOT,
            "The %d right and %d wrong answers whose class is the furthest ahead of the next, by cosine similarity; the true class"
                + " is bold. Beside each picture is a map of what speaks for the class it was taken for, bright where most does, and"
                + " then for the true class where that is another.",
            right.size(),
            wrong.size()),
        Gallery.of(cards));
  }

  private Markup card(Answer answer, LabelledImages images, List<String> classes) {
    List<Gallery.Line> lines = new ArrayList<>();
    for (int i = 0; i < answer.classes.length; i++) {
      int c = answer.classes[i];
      lines.add(Gallery.Line.cosine(classes.get(c), answer.cosines[i], c == answer.label));
    }
    List<Picture> pictures = new ArrayList<>(Gallery.pictures(images.get(answer.image).image()));
    pictures.addAll(explained.getOrDefault(answer.image, List.of()));
    return Gallery.card(answer.right(), classes.get(answer.label), pictures, lines);
  }
}
