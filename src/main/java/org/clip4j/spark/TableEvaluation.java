package org.clip4j.spark;

import com.esotericsoftware.kryo.DefaultSerializer;
import com.esotericsoftware.kryo.serializers.JavaSerializer;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.api.java.function.Function2;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.storage.StorageLevel;
import org.clip4j.eval.ClassMetrics;
import org.clip4j.eval.EmbeddingClassifier;
import org.clip4j.eval.LabelledAnswer;
import org.clip4j.eval.Retrieval;
import org.clip4j.eval.internal.Dot;

/**
 * Evaluates tables of embeddings, with the numbers of one machine ({@link
 * org.clip4j.eval.ZeroShotEvaluation}, {@link Retrieval}). Near-duplicates are {@link
 * TableSearch#overlap}'s.
 */
public final class TableEvaluation {
  private TableEvaluation() {}

  /**
   * Measures zero-shot classification.
   *
   * @param images with columns of ids, of embeddings ({@code array<float>}, unit length) and of
   *     labels; rows without an embedding are left out
   * @param id ids, in whose order (as texts) the intervals' bootstrap takes the images
   * @param label the images' classes by name
   * @param names of the classes
   * @param classes for each name its vector, as {@link org.clip4j.encode.ClassWeights} gives it
   * @throws IllegalArgumentException if a label is none of the names, or no image is there
   */
  public static ClassMetrics zeroShot(
      Dataset<Row> images,
      String id,
      String embedding,
      String label,
      List<String> names,
      float[][] classes) {
    return zeroShot(images, id, embedding, label, names, classes, 1000, 0);
  }

  /**
   * Measures as the method without a bootstrap's settings does.
   *
   * @param resamples of the intervals' bootstrap
   * @param seed of the intervals' bootstrap
   */
  public static ClassMetrics zeroShot(
      Dataset<Row> images,
      String id,
      String embedding,
      String label,
      List<String> names,
      float[][] classes,
      int resamples,
      long seed) {
    Dataset<Row> selected = EmbeddingRow.select(images, id, embedding, label);
    Map<String, Integer> indices = indices(names, classes);
    JavaSparkContext spark = context(images);
    Broadcast<float[][]> vectors = spark.broadcast(classes);
    int dimensions = classes[0].length;
    try {
      FlatMapFunction<Iterator<Row>, Named> classify =
          rows -> {
            EmbeddingClassifier classifier = EmbeddingClassifier.cosine(vectors.value());
            List<Named> answers = new ArrayList<>();
            while (rows.hasNext()) {
              Row row = rows.next();
              Integer own = indices.get(row.getString(2));
              if (own == null) {
                throw new IllegalArgumentException(
                    "the label '" + row.getString(2) + "' of " + row.getString(0) + " is no class");
              }
              EmbeddingRow image = EmbeddingRow.of(row).requireLength(dimensions);
              float[] scores = classifier.scores(image.vector());
              answers.add(new Named(image.id(), LabelledAnswer.of(scores, own)));
            }
            return answers.iterator();
          };
      List<Named> all = new ArrayList<>(selected.javaRDD().mapPartitions(classify).collect());
      all.sort((a, b) -> a.id.compareTo(b.id));
      return ClassMetrics.of(
          names.size(), all.stream().map(Named::answer).toList(), resamples, seed);
    } finally {
      vectors.destroy(false);
    }
  }

  private static Map<String, Integer> indices(List<String> names, float[][] classes) {
    if (names.size() != classes.length || classes.length == 0) {
      throw new IllegalArgumentException(
          names.size()
              + " classes are named, and "
              + classes.length
              + " vectors are given; give one for each, of at least one class");
    }
    Map<String, Integer> indices = new HashMap<>();
    for (String name : names) {
      if (indices.put(name, indices.size()) != null) {
        throw new IllegalArgumentException("the class '" + name + "' is named twice");
      }
    }
    return indices;
  }

  /** An image's answer. */
  @DefaultSerializer(JavaSerializer.class)
  private record Named(String id, LabelledAnswer answer) implements Serializable {}

  /**
   * Measures retrieval among images and their texts, several for an image perhaps.
   *
   * @param images with a column of ids and one of embeddings ({@code array<float>}, unit length)
   * @param texts with a column of the ids of their images, and one of embeddings, of the same
   *     names; they fit the driver and each executor, the images need not
   * @throws IllegalArgumentException if an image has no text, or a text no image
   */
  public static Retrieval retrieval(
      Dataset<Row> images, Dataset<Row> texts, String id, String embedding) {
    List<EmbeddingRow> captions =
        EmbeddingRow.collect(EmbeddingRow.select(texts, id, embedding), "the texts");
    Dataset<Row> rows = EmbeddingRow.select(images, id, embedding);
    rows.persist(StorageLevel.MEMORY_AND_DISK()); // they are gone through twice
    Broadcast<Captions> shared = context(images).broadcast(Captions.of(captions));
    try {
      Function2<Compared, Compared, Compared> add = Compared::add;
      int count = captions.size();
      FlatMapFunction<Iterator<Row>, Compared> own =
          partition -> List.of(Compared.own(shared.value(), partition)).iterator();
      float[] right =
          rows.javaRDD().mapPartitions(own).treeAggregate(new Compared(count), add, add).right();
      FlatMapFunction<Iterator<Row>, Compared> rivals =
          partition -> List.of(Compared.rivals(shared.value(), right, partition)).iterator();
      return rows.javaRDD()
          .mapPartitions(rivals)
          .treeAggregate(new Compared(count), add, add)
          .result(captions);
    } finally {
      rows.unpersist();
      shared.destroy(false);
    }
  }

  private static JavaSparkContext context(Dataset<Row> table) {
    return JavaSparkContext.fromSparkContext(table.sparkSession().sparkContext());
  }

  /**
   * Texts by the images that they belong to.
   *
   * @param vectors of all
   * @param of for each image's id the numbers of its texts
   */
  @DefaultSerializer(JavaSerializer.class)
  private record Captions(float[][] vectors, Map<String, int[]> of) implements Serializable {
    static Captions of(List<EmbeddingRow> rows) {
      Map<String, int[]> of = new HashMap<>();
      for (int t = 0; t < rows.size(); t++) {
        int[] before = of.getOrDefault(rows.get(t).id(), new int[0]);
        int[] own = Arrays.copyOf(before, before.length + 1);
        own[before.length] = t;
        of.put(rows.get(t).id(), own);
      }
      return new Captions(EmbeddingRow.vectors(rows), of);
    }

    int[] of(EmbeddingRow image) {
      int[] own = of.get(image.id());
      if (own == null) {
        throw new IllegalArgumentException(
            "image " + image.id() + " has no text; leave out images without one");
      }
      return own;
    }
  }

  /** What is known of the texts, and of the images so far. */
  @DefaultSerializer(JavaSerializer.class)
  private static final class Compared implements Serializable {
    private static final long serialVersionUID = 1;
    private static final int[] AT = {1, 5, 10};

    private final float[] right; // similarity of each text to its image
    private final long[] rivals; // of each text
    private final int[] seen; // how many images each text has
    private final long[] imagesAt = new long[AT.length];
    private long images;

    Compared(int texts) {
      right = new float[texts];
      rivals = new long[texts];
      seen = new int[texts];
    }

    static Compared own(Captions captions, Iterator<Row> rows) {
      Compared own = new Compared(captions.vectors.length);
      for (List<EmbeddingRow> block : EmbeddingRow.blocks(rows, captions.vectors[0].length)) {
        for (EmbeddingRow image : block) {
          for (int text : captions.of(image)) {
            own.right[text] = Dot.of(captions.vectors[text], image.vector());
            own.seen[text]++;
          }
        }
      }
      return own;
    }

    /** A wrong candidate that is as similar counts as more similar; so does NaN. */
    static Compared rivals(Captions captions, float[] right, Iterator<Row> rows) {
      Compared found = new Compared(right.length);
      for (List<EmbeddingRow> block : EmbeddingRow.blocks(rows, captions.vectors[0].length)) {
        float[] best = new float[block.size()];
        long[] imageRivals = new long[block.size()];
        boolean[][] belongs = new boolean[block.size()][];
        for (int i = 0; i < best.length; i++) {
          best[i] = Float.NEGATIVE_INFINITY;
          belongs[i] = new boolean[right.length];
          for (int text : captions.of(block.get(i))) {
            best[i] = Math.max(best[i], right[text]);
            belongs[i][text] = true;
          }
        }
        for (int text = 0; text < right.length; text++) {
          for (int i = 0; i < best.length; i++) {
            if (!belongs[i][text]) {
              float similarity = Dot.of(captions.vectors[text], block.get(i).vector());
              found.rivals[text] += similarity < right[text] ? 0 : 1;
              imageRivals[i] += similarity < best[i] ? 0 : 1;
            }
          }
        }
        found.images += best.length;
        for (int at = 0; at < AT.length; at++) {
          for (long rank : imageRivals) {
            found.imagesAt[at] += rank < AT[at] ? 1 : 0;
          }
        }
      }
      return found;
    }

    /** Each text has its image in one place alone, so that nothing is rounded here. */
    Compared add(Compared other) {
      for (int t = 0; t < right.length; t++) {
        right[t] += other.right[t];
        rivals[t] += other.rivals[t];
        seen[t] += other.seen[t];
      }
      for (int at = 0; at < AT.length; at++) {
        imagesAt[at] += other.imagesAt[at];
      }
      images += other.images;
      return this;
    }

    float[] right() {
      for (int t = 0; t < seen.length; t++) {
        if (seen[t] != 1) {
          throw new IllegalArgumentException(
              "a text belongs to "
                  + seen[t]
                  + " images; leave out texts without one, and give each image an id of its own");
        }
      }
      return right;
    }

    Retrieval result(List<EmbeddingRow> captions) {
      double[] texts = new double[AT.length];
      double[] shares = new double[AT.length];
      for (int at = 0; at < AT.length; at++) {
        int most = AT[at];
        long found = Arrays.stream(rivals).filter(rank -> rank < most).count();
        texts[at] = found / (double) captions.size();
        shares[at] = imagesAt[at] / (double) images;
      }
      return new Retrieval(
          (int) images,
          captions.size(),
          new Retrieval.Recall(texts[0], texts[1], texts[2]),
          new Retrieval.Recall(shares[0], shares[1], shares[2]));
    }
  }
}
