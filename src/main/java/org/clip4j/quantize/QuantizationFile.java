package org.clip4j.quantize;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import org.clip4j.io.StagedFiles;

/** The measurements beside a checkpoint of 8-bit integers, for people; nothing reads them. */
final class QuantizationFile {
  static final String NAME = "quantization.json";

  private QuantizationFile() {}

  static void write(Path folder, QuantizationReport report) throws IOException {
    JsonObject json = new GsonBuilder().create().toJsonTree(report).getAsJsonObject();
    json.addProperty("misses_a_bar", !report.misses().isEmpty());
    StagedFiles.replace(
        folder.resolve(NAME), new GsonBuilder().setPrettyPrinting().create().toJson(json) + "\n");
  }
}
