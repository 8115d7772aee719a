package org.clip4j.spark;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.ml.Transformer;
import org.apache.spark.ml.param.BooleanParam;
import org.apache.spark.ml.param.IntParam;
import org.apache.spark.ml.param.Param;
import org.apache.spark.ml.param.ParamMap;
import org.apache.spark.ml.param.ParamValidators;
import org.apache.spark.ml.util.DefaultParamsWritable;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.Metadata;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.util.SerializableConfiguration;
import org.clip4j.engine.Precision;
import org.jspecify.annotations.Nullable;

/**
 * Holds what this package's stages of a pipeline share: a model, an input column, an output column
 * and a column of reasons. All columns of the table are kept, and two are added.
 *
 * <p>The model is a name on the hub ({@code organisation/name}), which every executor takes from
 * its cache or downloads, or a path that every executor can read; or its files are shipped from the
 * driver, once to each executor, with {@link #setShipModel}. An executor loads it when the first
 * row comes, for all of its tasks together.
 *
 * @param <T> the stage itself
 */
public abstract sealed class ClipTransformer<T extends ClipTransformer<T>> extends Transformer
    implements DefaultParamsWritable permits ClipImageEmbedder, ClipTextEmbedder, ClipZeroShot {

  private static final long serialVersionUID = 1;

  private final String uid;
  private final Param<String> model;
  private final BooleanParam shipModel;
  private final Param<String> precision;
  private final Param<String> inputCol;
  private final Param<String> outputCol;
  private final Param<String> errorCol;
  private final Param<String> handleInvalid;
  private final IntParam batchSize;

  ClipTransformer(String uid, String inputCol, String outputCol) {
    this.uid = uid;
    model = new Param<>(this, "model", "a name on the hub, or a path that every executor can read");
    shipModel =
        new BooleanParam(this, "shipModel", "whether the driver's files go to the executors");
    precision = choice("precision", "of matrix products", "fp32", "bf16", "fp16");
    this.inputCol = new Param<>(this, "inputCol", "the column that is read");
    this.outputCol = new Param<>(this, "outputCol", "the column that is added");
    errorCol =
        new Param<>(
            this, "errorCol", "the column of reasons why there is no output; empty for none");
    handleInvalid =
        choice(
            "handleInvalid",
            "what becomes of rows without a usable input: keep (with a reason), skip, error",
            "keep",
            "skip",
            "error");
    batchSize =
        new IntParam(this, "batchSize", "most rows that a task holds", ParamValidators.gt(0));
    setDefault(shipModel, false);
    setDefault(precision, "fp32");
    setDefault(this.inputCol, inputCol);
    setDefault(this.outputCol, outputCol);
    setDefault(errorCol, outputCol + "_error");
    setDefault(handleInvalid, "keep");
    setDefault(batchSize, 128);
  }

  /** Makes a parameter that has one of some values. */
  final Param<String> choice(String name, String doc, String... values) {
    return new Param<>(this, name, doc, ParamValidators.inArray(values));
  }

  private T self() {
    @SuppressWarnings("unchecked")
    T self = (T) this;
    return self;
  }

  /**
   * Sets a parameter.
   *
   * @throws IllegalArgumentException if the value is null, or cannot be
   */
  final <V> T with(Param<V> param, @Nullable Object value) {
    if (value == null) {
      throw new IllegalArgumentException(
          uid + ": " + param.name() + " is null; it is " + param.doc() + ", or leave it out");
    }
    @SuppressWarnings("unchecked") // numbers are objects to Scala's parameters
    V typed = (V) value;
    set(param, typed);
    return self();
  }

  /** Says what is read from the input column, and checks that it can be. */
  abstract void checkInput(StructField column);

  /** Says what is put out. */
  abstract DataType addedType();

  /** Says how the rows of a partition are answered; on the driver, once for a table. */
  abstract RowAnswers.Batch answers(Dataset<?> table, StructField column);

  /**
   * Adds the columns. The rows are read when an action asks for the result.
   *
   * @throws IllegalArgumentException if the table lacks the input column, or has the others
   *     already; if no model is set
   */
  @Override
  public Dataset<Row> transform(Dataset<?> table) {
    StructType schema = transformSchema(table.schema());
    StructField column = table.schema().apply(getInputCol());
    MapPartitionsFunction<Row, Row> work =
        new RowAnswers(
            modelSource(table),
            answers(table, column),
            getBatchSize(),
            getHandleInvalid(),
            !getErrorCol().isEmpty());
    return withMetadata(table.toDF().mapPartitions(work, Encoders.row(schema)), schema);
  }

  /** Gives the columns the metadata back that a map over partitions loses, such as labels'. */
  private static Dataset<Row> withMetadata(Dataset<Row> rows, StructType schema) {
    StructField[] fields = schema.fields();
    if (Stream.of(fields).allMatch(field -> field.metadata().equals(Metadata.empty()))) {
      return rows;
    }
    Dataset<Row> placed = // names may hold dots, or stand twice
        rows.toDF(IntStream.range(0, fields.length).mapToObj(i -> "c" + i).toArray(String[]::new));
    return placed.select(
        IntStream.range(0, fields.length)
            .mapToObj(i -> placed.col("c" + i).as(fields[i].name(), fields[i].metadata()))
            .toArray(Column[]::new));
  }

  /** Where the executors find the model; null if the input needs none. */
  ModelSource modelSource(Dataset<?> table) {
    return source(table, false);
  }

  final ModelSource source(Dataset<?> table, boolean texts) {
    Precision type = Precision.valueOf(getPrecision().toUpperCase(Locale.ROOT));
    String model = getModel();
    if (model.startsWith("file:")) { // as paths are written elsewhere in Spark
      model = new Path(model).toUri().getPath();
    }
    ShippedModel shipped =
        getShipModel() ? ShippedModel.of(table.sparkSession().sparkContext(), model) : null;
    return ModelSource.of(model, shipped, type, texts);
  }

  /** Reads images from a column of a table. */
  static ImageColumn images(Dataset<?> table, StructField column) {
    return new ImageColumn(
        ImageColumn.kindOf(column),
        table.schema().fieldIndex(column.name()),
        new SerializableConfiguration(table.sparkSession().sessionState().newHadoopConf()));
  }

  @Override
  public StructType transformSchema(StructType schema) {
    getModel();
    List<String> columns = Arrays.asList(schema.fieldNames());
    int found = Collections.frequency(columns, getInputCol());
    if (found != 1) {
      throw new IllegalArgumentException(
          uid
              + ": the table has "
              + (found == 0 ? "no column '" : found + " columns '")
              + getInputCol()
              + "'; set inputCol to one of "
              + columns
              + (found == 0 ? "" : ", or rename them"));
    }
    checkInput(schema.apply(getInputCol()));
    StructType with = added(schema, getOutputCol(), addedType());
    return getErrorCol().isEmpty() ? with : added(with, getErrorCol(), DataTypes.StringType);
  }

  private StructType added(StructType schema, String column, DataType type) {
    if (Arrays.asList(schema.fieldNames()).contains(column)) {
      throw new IllegalArgumentException(
          uid
              + ": the table has a column '"
              + column
              + "' already; set outputCol or errorCol to another name, or drop it");
    }
    return schema.add(column, type, true);
  }

  /** Says that a column cannot be read. */
  final IllegalArgumentException misfit(StructField column, String wanted) {
    return new IllegalArgumentException(
        uid
            + ": the column '"
            + column.name()
            + "' is of type "
            + column.dataType().catalogString()
            + "; it must be "
            + wanted);
  }

  @Override
  public T copy(ParamMap extra) {
    return this.<T>defaultCopy(extra);
  }

  @Override
  public String uid() {
    return uid;
  }

  /**
   * Returns the parameter of the model: a name on the hub, or a path that every executor can read.
   * Required.
   */
  public Param<String> model() {
    return model;
  }

  /** Sets {@link #model}. */
  public T setModel(String value) {
    return with(model, value);
  }

  /** Returns {@link #model}. */
  public String getModel() {
    if (!isDefined(model)) {
      throw new IllegalArgumentException(
          uid
              + " needs a model: setModel(\"laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K\"), or a path");
    }
    return getOrDefault(model);
  }

  /**
   * Returns the parameter that says whether the driver ships the model's files to the executors,
   * once to each; false by default.
   */
  public BooleanParam shipModel() {
    return shipModel;
  }

  /** Sets {@link #shipModel}. */
  public T setShipModel(boolean value) {
    return with(shipModel, value);
  }

  /** Returns {@link #shipModel}. */
  public boolean getShipModel() {
    return (Boolean) getOrDefault(shipModel);
  }

  /**
   * Returns the parameter of the precision of matrix products: {@code fp32} (default), {@code bf16}
   * or {@code fp16}.
   */
  public Param<String> precision() {
    return precision;
  }

  /** Sets {@link #precision}. */
  public T setPrecision(String value) {
    return with(precision, value);
  }

  /** Returns {@link #precision}. */
  public String getPrecision() {
    return getOrDefault(precision);
  }

  /** Returns the parameter of the column that is read. */
  public Param<String> inputCol() {
    return inputCol;
  }

  /** Sets {@link #inputCol}. */
  public T setInputCol(String value) {
    return with(inputCol, value);
  }

  /** Returns {@link #inputCol}. */
  public String getInputCol() {
    return getOrDefault(inputCol);
  }

  /** Returns the parameter of the column that is added. */
  public Param<String> outputCol() {
    return outputCol;
  }

  /** Sets {@link #outputCol}. */
  public T setOutputCol(String value) {
    return with(outputCol, value);
  }

  /** Returns {@link #outputCol}. */
  public String getOutputCol() {
    return getOrDefault(outputCol);
  }

  /**
   * Returns the parameter of the column of reasons why there is no output, null where there is one;
   * empty for no column.
   */
  public Param<String> errorCol() {
    return errorCol;
  }

  /** Sets {@link #errorCol}. */
  public T setErrorCol(String value) {
    return with(errorCol, value);
  }

  /** Returns {@link #errorCol}; by default the output column's name with {@code _error}. */
  public String getErrorCol() {
    return isSet(errorCol) || !isSet(outputCol)
        ? getOrDefault(errorCol)
        : getOutputCol() + "_error";
  }

  /**
   * Returns the parameter that says what becomes of a row whose input is null or cannot be read:
   * {@code keep} (default) gives a null output and a reason, {@code skip} leaves the row out,
   * {@code error} fails the job.
   */
  public Param<String> handleInvalid() {
    return handleInvalid;
  }

  /** Sets {@link #handleInvalid}. */
  public T setHandleInvalid(String value) {
    return with(handleInvalid, value);
  }

  /** Returns {@link #handleInvalid}. */
  public String getHandleInvalid() {
    return getOrDefault(handleInvalid);
  }

  /**
   * Returns the parameter of the most rows that a task holds at once; 128 by default, fewer where
   * images are large.
   */
  public IntParam batchSize() {
    return batchSize;
  }

  /** Sets {@link #batchSize}. */
  public T setBatchSize(int value) {
    return with(batchSize, value);
  }

  /** Returns {@link #batchSize}. */
  public int getBatchSize() {
    return (Integer) getOrDefault(batchSize);
  }
}
