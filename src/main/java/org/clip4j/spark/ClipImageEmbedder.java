package org.clip4j.spark;

import org.apache.spark.ml.param.Param;
import org.apache.spark.ml.util.DefaultParamsReader;
import org.apache.spark.ml.util.Identifiable;
import org.apache.spark.ml.util.MLReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructField;

/**
 * Embeds a column of images, as {@link org.clip4j.Clip#encodeImage} does.
 *
 * <pre>{@code
 * Dataset<Row> embedded =
 *     new ClipImageEmbedder()
 *         .setModel("laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K")
 *         .setInputCol("content")
 *         .setOutputCol("embedding")
 *         .transform(spark.read().format("binaryFile").load("hdfs:///pictures"));
 * }</pre>
 *
 * <p>The column holds the content of image files, their paths on any file system that Spark reads,
 * rows of Spark's {@code binaryFile} source or Spark's image struct. What is added is an {@code
 * array<float>} of unit length, or a vector of Spark ML's. Where an image is null or cannot be
 * read, it is null, and the error column says why.
 */
public final class ClipImageEmbedder extends ClipTransformer<ClipImageEmbedder> {
  private static final long serialVersionUID = 1;

  private final Param<String> outputType =
      choice("outputType", "array (of floats) or vector (Spark ML's)", "array", "vector");

  /** Makes one with a new {@link #uid}. */
  public ClipImageEmbedder() {
    this(Identifiable.randomUID("clipImageEmbedder"));
  }

  /** Makes one with a {@link #uid}. */
  public ClipImageEmbedder(String uid) {
    super(uid, "image", "image_embedding");
    setDefault(outputType, "array");
  }

  /** Starts to read a saved stage. */
  public static MLReader<ClipImageEmbedder> read() {
    return new DefaultParamsReader<>();
  }

  /** Reads a saved stage. */
  public static ClipImageEmbedder load(String path) {
    return read().load(path);
  }

  @Override
  void checkInput(StructField column) {
    if (ImageColumn.kindOf(column) == null) {
      throw misfit(column, ImageColumn.WANTED);
    }
  }

  @Override
  DataType addedType() {
    return EmbeddingOutput.type(getOutputType());
  }

  @Override
  RowAnswers.Batch answers(Dataset<?> table, StructField column) {
    return new EmbedImages(images(table, column), EmbeddingOutput.of(getOutputType()));
  }

  /**
   * Returns the parameter of the output's type: {@code array} (default) for an array of floats,
   * {@code vector} for a vector of Spark ML's.
   */
  public Param<String> outputType() {
    return outputType;
  }

  /** Sets {@link #outputType}. */
  public ClipImageEmbedder setOutputType(String value) {
    return with(outputType, value);
  }

  /** Returns {@link #outputType}. */
  public String getOutputType() {
    return getOrDefault(outputType);
  }
}
