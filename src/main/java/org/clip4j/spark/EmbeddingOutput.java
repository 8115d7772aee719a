package org.clip4j.spark;

import java.io.Serializable;
import org.apache.spark.ml.linalg.SQLDataTypes;
import org.apache.spark.ml.linalg.Vectors;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;

/** Makes the value of a column of an embedding. */
interface EmbeddingOutput extends Serializable {

  /** Makes it. */
  Object of(float[] embedding);

  /** An array of floats, or a vector of Spark ML's. */
  static EmbeddingOutput of(String type) {
    return type.equals("array") ? embedding -> embedding : EmbeddingOutput::vector;
  }

  private static Object vector(float[] embedding) {
    double[] values = new double[embedding.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = embedding[i];
    }
    return Vectors.dense(values);
  }

  /** The column's type. */
  static DataType type(String type) {
    return type.equals("array")
        ? DataTypes.createArrayType(DataTypes.FloatType, false)
        : SQLDataTypes.VectorType();
  }
}
