package org.clip4j.examples.app.evaluate;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.PriorityQueue;
import java.util.stream.IntStream;
import org.clip4j.data.LabelledImages;
import org.clip4j.eval.ZeroShotEvaluation;
import org.clip4j.examples.app.report.Gallery;
import org.clip4j.examples.app.report.HtmlReport;
import org.clip4j.figure.Markup;

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
                + " is bold.",
            right.size(),
            wrong.size()),
        Gallery.of(cards));
  }

  private static Markup card(Answer answer, LabelledImages images, List<String> classes) {
    List<Gallery.Line> lines = new ArrayList<>();
    for (int i = 0; i < answer.classes.length; i++) {
      int c = answer.classes[i];
      lines.add(Gallery.Line.cosine(classes.get(c), answer.cosines[i], c == answer.label));
    }
    return Gallery.card(
        answer.right(),
        classes.get(answer.label),
        Gallery.pictures(images.get(answer.image).image()),
        lines);
  }
}
