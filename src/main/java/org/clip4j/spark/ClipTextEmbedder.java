package org.clip4j.spark;

import org.apache.spark.ml.param.Param;
import org.apache.spark.ml.util.DefaultParamsReader;
import org.apache.spark.ml.util.Identifiable;
import org.apache.spark.ml.util.MLReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.StructField;

/**
 * Embeds a column of texts, as {@link org.clip4j.Clip#encodeText} does: what is added is an {@code
 * array<float>} of unit length, or a vector of Spark ML's, null where the text is.
 */
public final class ClipTextEmbedder extends ClipTransformer<ClipTextEmbedder> {
  private static final long serialVersionUID = 1;

  private final Param<String> outputType =
      choice("outputType", "array (of floats) or vector (Spark ML's)", "array", "vector");

  /** Makes one with a new {@link #uid}. */
  public ClipTextEmbedder() {
    this(Identifiable.randomUID("clipTextEmbedder"));
  }

  /** Makes one with a {@link #uid}. */
  public ClipTextEmbedder(String uid) {
    super(uid, "text", "text_embedding");
    setDefault(outputType, "array");
  }

  /** Starts to read a saved stage. */
  public static MLReader<ClipTextEmbedder> read() {
    return new DefaultParamsReader<>();
  }

  /** Reads a saved stage. */
  public static ClipTextEmbedder load(String path) {
    return read().load(path);
  }

  @Override
  void checkInput(StructField column) {
    if (!(column.dataType() instanceof StringType)) {
      throw misfit(column, "string");
    }
  }

  @Override
  ModelSource modelSource(Dataset<?> table) {
    return source(table, true);
  }

  @Override
  DataType addedType() {
    return EmbeddingOutput.type(getOutputType());
  }

  @Override
  RowAnswers.Batch answers(Dataset<?> table, StructField column) {
    return new EmbedTexts(
        table.schema().fieldIndex(column.name()), EmbeddingOutput.of(getOutputType()));
  }

  /**
   * Returns the parameter of the output's type: {@code array} (default) for an array of floats,
   * {@code vector} for a vector of Spark ML's.
   */
  public Param<String> outputType() {
    return outputType;
  }

  /** Sets {@link #outputType}. */
  public ClipTextEmbedder setOutputType(String value) {
    return with(outputType, value);
  }

  /** Returns {@link #outputType}. */
  public String getOutputType() {
    return getOrDefault(outputType);
  }
}
