package org.clip4j.spark;

import java.io.Serializable;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.spark.ml.param.BooleanParam;
import org.apache.spark.ml.param.DoubleArrayParam;
import org.apache.spark.ml.param.DoubleParam;
import org.apache.spark.ml.param.IntParam;
import org.apache.spark.ml.param.Param;
import org.apache.spark.ml.param.ParamValidators;
import org.apache.spark.ml.param.StringArrayParam;
import org.apache.spark.ml.util.DefaultParamsReader;
import org.apache.spark.ml.util.Identifiable;
import org.apache.spark.ml.util.MLReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.clip4j.Probabilities;
import org.clip4j.UnknownRule;
import org.clip4j.ZeroShotClassifier;
import org.clip4j.encode.PromptSet;
import org.jspecify.annotations.Nullable;
import scala.Function1;

/**
 * Classifies a column of images by words, as {@link ZeroShotClassifier} does.
 *
 * <pre>{@code
 * Dataset<Row> classified =
 *     new ClipZeroShot()
 *         .setModel("laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K")
 *         .setLabels("cat", "dog", "rabbit")
 *         .setTemplates("a photo of a {}.", "a drawing of a {}.")
 *         .setInputCol("content")
 *         .transform(pictures);
 * classified.selectExpr("prediction.labels[0]", "prediction.top[0].probability");
 * }</pre>
 *
 * <p>The column is one of images as {@link ClipImageEmbedder} reads it, or of embeddings ({@code
 * array<float>}, from the same model), which need no model on the executors. What is added is a
 * struct of {@code labels} (array of strings: the most probable; in multi-label answers every one
 * that reaches its threshold; none if the image is unknown), {@code top} (array of structs of
 * {@code label}, {@code probability} and {@code cosine}, best first), {@code unknown} (boolean) and
 * {@code clarity} (double: what the rule for unknown images compares; null without one).
 *
 * <p>The labels are encoded on the driver, once for a stage, however many rows, tasks and executors
 * there are; executors load the image encoder alone.
 */
public final class ClipZeroShot extends ClipTransformer<ClipZeroShot> {
  private static final long serialVersionUID = 1;

  /** How often labels were encoded in this process. */
  static final AtomicLong LABELS_ENCODED = new AtomicLong();

  private static final StructType SCORE =
      new StructType()
          .add("label", DataTypes.StringType, false)
          .add("probability", DataTypes.DoubleType, false)
          .add("cosine", DataTypes.DoubleType, false);

  private static final StructType ANSWER =
      new StructType()
          .add("labels", DataTypes.createArrayType(DataTypes.StringType, false), false)
          .add("top", DataTypes.createArrayType(SCORE, false), false)
          .add("unknown", DataTypes.BooleanType, false)
          .add("clarity", DataTypes.DoubleType, true);

  private static final DataType EMBEDDING = DataTypes.createArrayType(DataTypes.FloatType, false);

  private final StringArrayParam labels = texts("labels", "what an image may show");
  private final StringArrayParam templates =
      texts("templates", "prompts with {} where the label goes");
  private final IntParam topK =
      new IntParam(this, "topK", "labels whose scores are put out", ParamValidators.gt(0));
  private final Param<String> probabilities =
      choice("probabilities", "how made", "model", "softmax", "sigmoid", "background");
  private final BooleanParam multiLabel =
      new BooleanParam(this, "multiLabel", "whether each label is judged for itself");
  private final DoubleParam threshold =
      new DoubleParam(this, "threshold", "of multi-label answers", ParamValidators.inRange(0, 1));
  private final DoubleArrayParam labelThresholds =
      new DoubleArrayParam(this, "labelThresholds", "one for each label; empty for threshold");
  private final StringArrayParam backgroundPrompts =
      texts("backgroundPrompts", "what may be said of any image");
  private final Param<String> unknownScore =
      choice("unknownScore", "rule for unknown images", "none", "margin", "entropy", "background");
  private final DoubleParam unknownThreshold =
      new DoubleParam(
          this, "unknownThreshold", "up to which it is unknown", ParamValidators.inRange(0, 1));

  private transient @Nullable Map<List<Object>, ZeroShotClassifier> made; // the last one

  /** Makes one with a new {@link #uid}. */
  public ClipZeroShot() {
    this(Identifiable.randomUID("clipZeroShot"));
  }

  /** Makes one with a {@link #uid}. */
  public ClipZeroShot(String uid) {
    super(uid, "image", "prediction");
    setDefault(templates, PromptSet.PHOTO.toArray(String[]::new));
    setDefault(topK, 5);
    setDefault(probabilities, "model");
    setDefault(multiLabel, false);
    setDefault(threshold, 0.5);
    setDefault(labelThresholds, new double[0]);
    setDefault(backgroundPrompts, new String[] {"a photo"});
    setDefault(unknownScore, "none");
    setDefault(unknownThreshold, 0.0);
  }

  private StringArrayParam texts(String name, String doc) {
    Function1<String[], Object> areThere =
        (Function1<String[], Object> & Serializable)
            values -> !Arrays.asList(values).contains(null);
    return new StringArrayParam(this, name, doc, areThere);
  }

  /** Starts to read a saved stage. */
  public static MLReader<ClipZeroShot> read() {
    return new DefaultParamsReader<>();
  }

  /** Reads a saved stage. */
  public static ClipZeroShot load(String path) {
    return read().load(path);
  }

  @Override
  void checkInput(StructField column) {
    if (!isEmbedding(column) && ImageColumn.kindOf(column) == null) {
      throw misfit(column, ImageColumn.WANTED + ", or array<float> (embeddings)");
    }
    getLabels();
  }

  private static boolean isEmbedding(StructField column) {
    return column.dataType().sameType(EMBEDDING);
  }

  @Override
  DataType addedType() {
    return ANSWER;
  }

  @Override
  @Nullable ModelSource modelSource(Dataset<?> table) {
    return isEmbedding(table.schema().apply(getInputCol())) ? null : source(table, false);
  }

  @Override
  RowAnswers.Batch answers(Dataset<?> table, StructField column) {
    LabelOutput output = new LabelOutput(classifier(table), getTopK());
    return isEmbedding(column)
        ? new ClassifyEmbeddings(table.schema().fieldIndex(column.name()), output)
        : new EmbedImages(images(table, column), output);
  }

  /** Made when it is first needed, and again when a parameter has changed. */
  private synchronized ZeroShotClassifier classifier(Dataset<?> table) {
    ModelSource source = source(table, true);
    List<Object> key =
        List.of(
            source,
            List.of(getLabels()),
            List.of(getOrDefault(templates)),
            getOrDefault(probabilities),
            getOrDefault(multiLabel),
            getOrDefault(threshold),
            Arrays.toString(getOrDefault(labelThresholds)),
            List.of(getOrDefault(backgroundPrompts)),
            getOrDefault(unknownScore),
            getOrDefault(unknownThreshold));
    if (made == null || !made.containsKey(key)) {
      made = Map.of(key, encoded(source));
    }
    return made.get(key);
  }

  private ZeroShotClassifier encoded(ModelSource source) {
    LABELS_ENCODED.incrementAndGet();
    String[] names = getLabels();
    String kind = getOrDefault(probabilities).toUpperCase(Locale.ROOT);
    try (SharedModels.Use use = SharedModels.use(source)) {
      ZeroShotClassifier.Builder builder =
          use.clip()
              .zeroShot(names)
              .optTemplates(getOrDefault(templates))
              .optBackgroundPrompts(getOrDefault(backgroundPrompts));
      if (!kind.equals("MODEL")) {
        builder.optProbabilities(Probabilities.valueOf(kind));
      }
      if ((Boolean) getOrDefault(multiLabel)) {
        builder.optMultiLabel();
      }
      String score = getOrDefault(unknownScore).toUpperCase(Locale.ROOT);
      if (!score.equals("NONE")) {
        builder.optUnknown(
            new UnknownRule(
                UnknownRule.Score.valueOf(score), (Double) getOrDefault(unknownThreshold)));
      }
      ZeroShotClassifier classifier = builder.build();
      double[] each = getOrDefault(labelThresholds);
      if (each.length == 0 && classifier.isMultiLabel()) { // a single label may be judged so too
        each = new double[names.length];
        Arrays.fill(each, (Double) getOrDefault(threshold));
      }
      return each.length == 0 ? classifier : classifier.withThresholds(byLabel(names, each));
    }
  }

  private Map<String, Double> byLabel(String[] names, double[] each) {
    if (each.length != names.length) {
      throw new IllegalArgumentException(
          uid()
              + ": "
              + each.length
              + " thresholds are given for "
              + names.length
              + " labels; give one for each, in order");
    }
    Map<String, Double> thresholds = new LinkedHashMap<>();
    for (int i = 0; i < each.length; i++) {
      thresholds.put(names[i], each[i]);
    }
    return thresholds;
  }

  /**
   * Returns the parameter of what an image may show: at least one label, none empty or twice.
   * Required.
   */
  public StringArrayParam labels() {
    return labels;
  }

  /** Sets {@link #labels}. */
  public ClipZeroShot setLabels(String... value) {
    return with(labels, value);
  }

  /** Returns {@link #labels}. */
  public String[] getLabels() {
    if (!isDefined(labels)) {
      throw new IllegalArgumentException(uid() + " needs labels: setLabels(\"cat\", \"dog\")");
    }
    return getOrDefault(labels);
  }

  /**
   * Returns the parameter of the prompt templates, with {@code {}} where the label goes; "a photo
   * of a {}." by default.
   */
  public StringArrayParam templates() {
    return templates;
  }

  /** Sets {@link #templates}. */
  public ClipZeroShot setTemplates(String... value) {
    return with(templates, value);
  }

  /**
   * Returns the parameter of how many labels have their scores put out, best first; 5 by default.
   */
  public IntParam topK() {
    return topK;
  }

  /** Sets {@link #topK}. */
  public ClipZeroShot setTopK(int value) {
    return with(topK, value);
  }

  /** Returns {@link #topK}. */
  public int getTopK() {
    return (Integer) getOrDefault(topK);
  }

  /**
   * Returns the parameter of how probabilities are made: {@code softmax}, {@code sigmoid} or {@code
   * background}, see {@link Probabilities}; {@code model} (default) as the model was trained.
   */
  public Param<String> probabilities() {
    return probabilities;
  }

  /** Sets {@link #probabilities}. */
  public ClipZeroShot setProbabilities(String value) {
    return with(probabilities, value);
  }

  /** Returns the parameter that says whether each label is judged for itself; false by default. */
  public BooleanParam multiLabel() {
    return multiLabel;
  }

  /** Sets {@link #multiLabel}. */
  public ClipZeroShot setMultiLabel(boolean value) {
    return with(multiLabel, value);
  }

  /**
   * Returns the parameter of the probability from which a label of a multi-label answer holds; 0.5
   * by default.
   */
  public DoubleParam threshold() {
    return threshold;
  }

  /** Sets {@link #threshold}. */
  public ClipZeroShot setThreshold(double value) {
    return with(threshold, value);
  }

  /**
   * Returns the parameter of one threshold for each label, in order; empty (default) for {@link
   * #threshold} in all.
   */
  public DoubleArrayParam labelThresholds() {
    return labelThresholds;
  }

  /** Sets {@link #labelThresholds}. */
  public ClipZeroShot setLabelThresholds(double... value) {
    return with(labelThresholds, value);
  }

  /** Returns the parameter of what may be said of any image; "a photo" by default. */
  public StringArrayParam backgroundPrompts() {
    return backgroundPrompts;
  }

  /** Sets {@link #backgroundPrompts}. */
  public ClipZeroShot setBackgroundPrompts(String... value) {
    return with(backgroundPrompts, value);
  }

  /**
   * Returns the parameter of the rule for images that show none of the labels: {@code margin},
   * {@code entropy} or {@code background}, see {@link UnknownRule.Score}; {@code none} by default.
   */
  public Param<String> unknownScore() {
    return unknownScore;
  }

  /** Sets {@link #unknownScore}. */
  public ClipZeroShot setUnknownScore(String value) {
    return with(unknownScore, value);
  }

  /** Returns the parameter of the score up to which an image is unknown, in [0, 1]. */
  public DoubleParam unknownThreshold() {
    return unknownThreshold;
  }

  /** Sets {@link #unknownThreshold}. */
  public ClipZeroShot setUnknownThreshold(double value) {
    return with(unknownThreshold, value);
  }
}
