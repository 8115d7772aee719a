package org.clip4j.examples.app.evaluate;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.clip4j.Clip;
import org.clip4j.data.PairSource;
import org.clip4j.encode.ImageSource;
import org.clip4j.eval.Retrieval;
import org.clip4j.examples.app.report.Gallery;
import org.clip4j.examples.app.report.HtmlReport;
import org.clip4j.figure.Markup;

/**
 * What retrieval finds most surely, right and wrong: where the right candidate is the furthest
 * ahead of the best wrong one, or behind it.
 */
final class RetrievalPictures {
  /** Of more queries, evenly spaced ones are looked at: each is compared with all candidates. */
  private static final int QUERIES = 1000;

  private final Retrieval.Encoded encoded;
  private final PairSource pairs;

  /** A query with its right candidate and the best wrong one. */
  private record Found(int query, int own, double ownCosine, int other, double otherCosine) {
    double lead() {
      return ownCosine - otherCosine;
    }

    boolean right() {
      return lead() > 0;
    }
  }

  RetrievalPictures(Retrieval.Encoded encoded, PairSource pairs) {
    this.encoded = encoded;
    this.pairs = pairs;
  }

  void add(HtmlReport report) {
    if (encoded.images().length < 2) {
      return;
    }
    int[] of = encoded.imageOfText();
    add(
        report,
        "Images by text",
        "For each caption, at its side: its own image, then the other image most similar to it.",
        find(encoded.texts(), encoded.images(), (text, image) -> of[text] == image),
        this::byText);
    add(
        report,
        "Texts by image",
        "For each image, the caption of its own that is most similar to it (bold), and that of another image.",
        find(encoded.images(), encoded.texts(), (image, text) -> of[text] == image),
        this::byImage);
  }

  private interface Belongs {
    boolean test(int query, int candidate);
  }

  private interface Card {
    Markup of(Found found);
  }

  private static List<Found> find(float[][] queries, float[][] candidates, Belongs belongs) {
    int count = Math.min(QUERIES, queries.length);
    return IntStream.range(0, count)
        .parallel()
        .map(i -> (int) ((long) i * queries.length / count))
        .mapToObj(
            query -> {
              int own = -1;
              int other = -1;
              double ownCosine = Double.NEGATIVE_INFINITY;
              double otherCosine = Double.NEGATIVE_INFINITY;
              for (int c = 0; c < candidates.length; c++) {
                double cosine = Clip.cosine(queries[query], candidates[c]);
                if (belongs.test(query, c)) {
                  own = own < 0 || cosine > ownCosine ? c : own;
                  ownCosine = Math.max(ownCosine, cosine);
                } else {
                  other = other < 0 || cosine > otherCosine ? c : other;
                  otherCosine = Math.max(otherCosine, cosine);
                }
              }
              return new Found(query, own, ownCosine, other, otherCosine);
            })
        .toList();
  }

  private static void add(
      HtmlReport report, String which, String note, List<Found> found, Card card) {
    List<Markup> cards = new ArrayList<>();
    found.stream()
        .filter(Found::right)
        .sorted(Comparator.comparingDouble(Found::lead).reversed())
        .limit(Gallery.MOST)
        .forEach(one -> cards.add(card.of(one)));
    int right = cards.size();
    found.stream()
        .filter(one -> !one.right())
        .sorted(Comparator.comparingDouble(Found::lead))
        .limit(Gallery.MOST)
        .forEach(one -> cards.add(card.of(one)));
    report.section(
        "Most confident: " + which.toLowerCase(Locale.ROOT),
        String.format(
                Locale.ROOT,
                "The %d right and %d wrong ones of %,d with the largest lead of the one over the other, by cosine similarity. ",
                right,
                cards.size() - right,
                found.size())
            + note,
        Gallery.of(cards));
  }

  private Markup byText(Found found) {
    return Gallery.card(
        found.right(),
        encoded.captions().get(found.query),
        Gallery.pictures(image(found.own), image(found.other)),
        List.of(
            Gallery.Line.cosine("its own image", found.ownCosine, true),
            Gallery.Line.cosine("the other image", found.otherCosine, false)));
  }

  private Markup byImage(Found found) {
    return Gallery.card(
        found.right(),
        image(found.query).name().replaceAll(".*[/\\\\]", ""),
        Gallery.pictures(image(found.query)),
        List.of(
            Gallery.Line.cosine(encoded.captions().get(found.own), found.ownCosine, true),
            Gallery.Line.cosine(encoded.captions().get(found.other), found.otherCosine, false)));
  }

  private ImageSource image(int image) {
    return pairs.get(encoded.pairs()[image]).image();
  }
}
