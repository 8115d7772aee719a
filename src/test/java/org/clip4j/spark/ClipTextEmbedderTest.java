package org.clip4j.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;
import static org.clip4j.spark.LocalSpark.MODEL;
import static org.clip4j.spark.LocalSpark.floats;
import static org.clip4j.spark.LocalSpark.table;

import java.util.List;
import java.util.stream.IntStream;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.clip4j.Clip;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("spark")
class ClipTextEmbedderTest {
  private static final StructType SCHEMA = new StructType().add("text", DataTypes.StringType);

  @Test
  void texts_of_all_lengths_get_the_embeddings_of_the_front_door() {
    List<Row> rows =
        IntStream.range(0, 40)
            .mapToObj(
                i -> RowFactory.create(i % 7 == 3 ? null : "a photo of a cat ".repeat(i % 5) + i))
            .toList();
    List<Row> found =
        new ClipTextEmbedder()
            .setModel(MODEL.toString())
            .setBatchSize(6)
            .transform(table(SCHEMA, rows))
            .collectAsList();
    assertThat(found).hasSize(40);
    try (Clip clip = Clip.load(MODEL)) {
      for (Row row : found) {
        String text = row.getAs("text");
        if (text == null) {
          assertThat(floats(row, "text_embedding")).isNull();
          assertThat(row.<String>getAs("text_embedding_error")).isEqualTo("the text is null");
        } else {
          assertThat(floats(row, "text_embedding"))
              .containsExactly(clip.encodeText(text), within(1e-6f));
        }
      }
    }
  }

  @Test
  void only_strings_are_texts() {
    StructType numbers = new StructType().add("text", DataTypes.IntegerType);
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                new ClipTextEmbedder()
                    .setModel("m")
                    .transform(table(numbers, List.of(RowFactory.create(1)))))
        .withMessageContaining("must be string");
  }
}
