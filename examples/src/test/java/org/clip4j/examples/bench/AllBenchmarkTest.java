package org.clip4j.examples.bench;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class AllBenchmarkTest {
  private static final String MODEL = "../src/test/resources/golden/hf-clip";

  @TempDir Path folder;

  @Test
  void the_table_says_where_it_was_measured_and_what_products_alone_reach() throws IOException {
    Path file = folder.resolve("table.json");
    int code =
        new CommandLine(new AllBenchmark())
            .execute(
                ("--model " + MODEL + " --precisions FP32 --cases IMAGES,CAPTION,CLASSES --batch 2")
                    .concat(" --tokens 4 --classes 1 --seconds 0.01 --json " + file)
                    .split(" "));

    assertThat(code).isZero();
    JsonObject table = JsonParser.parseString(Files.readString(file)).getAsJsonObject();
    assertThat(table.keySet())
        .containsExactly(
            "processor", "cores", "java", "date", "model", "batch", "tokens", "rows", "peakMib");
    assertThat(table.get("processor").getAsString()).isNotBlank();
    assertThat(LocalDate.parse(table.get("date").getAsString())).isNotNull();
    List<JsonObject> rows = new ArrayList<>();
    for (JsonElement row : table.getAsJsonArray("rows")) {
      rows.add(row.getAsJsonObject());
    }
    assertThat(rows)
        .extracting(row -> row.get("name").getAsString() + " " + row.get("unit").getAsString())
        .containsExactly("images 1/s", "caption ms", "classes 1/s");
    for (JsonObject row : rows.subList(0, 2)) {
      double value = row.get("value").getAsDouble();
      double roof = row.get("roof").getAsDouble();
      boolean latency = row.get("unit").getAsString().equals("ms");
      assertThat(row.get("share").getAsDouble()).isEqualTo(latency ? roof / value : value / roof);
    }
    assertThat(rows.get(2).get("roof").isJsonNull()).isTrue();
  }
}
