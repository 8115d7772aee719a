package org.clip4j.weights;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The licence that a model card names, in the YAML at the beginning of the {@code README.md} beside
 * a model, as the hub has it. A card that cannot be understood names none.
 */
final class ModelCard {
  private static final String FILE = "README.md";
  private static final int MAX_BYTES = 1 << 16;
  private static final int MAX_LENGTH = 200;

  private ModelCard() {}

  /**
   * The licence, such as {@code apache-2.0}, or a name with its address; empty if none is named.
   */
  static String licence(Path folder) throws IOException {
    Path card = folder.resolve(FILE);
    if (!Files.isRegularFile(card)) {
      return "";
    }
    byte[] bytes;
    try (InputStream in = Files.newInputStream(card)) {
      bytes = in.readNBytes(MAX_BYTES);
    }
    Map<String, List<String>> fields = fields(new String(bytes, StandardCharsets.UTF_8));
    List<String> words = new ArrayList<>(fields.getOrDefault("license", List.of()));
    if (words.equals(List.of("other"))) {
      words = new ArrayList<>(fields.getOrDefault("license_name", words));
      words.addAll(fields.getOrDefault("license_link", List.of()));
    }
    String licence = String.join(", ", words).replaceAll("\\p{Cntrl}", " ");
    return licence.length() > MAX_LENGTH ? licence.substring(0, MAX_LENGTH) + "…" : licence;
  }

  /** The keys of the first level with their values: one, or those of a list. */
  private static Map<String, List<String>> fields(String text) {
    Map<String, List<String>> fields = new LinkedHashMap<>();
    List<String> lines = text.lines().toList();
    if (lines.isEmpty() || !lines.get(0).strip().equals("---")) {
      return fields;
    }
    List<String> current = null;
    for (String line : lines.subList(1, lines.size())) {
      if (line.strip().equals("---")) {
        return fields;
      }
      int colon = line.indexOf(':');
      if (line.strip().startsWith("-")) {
        if (current != null) {
          add(current, line.strip().substring(1));
        }
      } else if (colon > 0 && Character.isLetter(line.charAt(0))) {
        current =
            fields.computeIfAbsent(line.substring(0, colon).strip(), key -> new ArrayList<>());
        for (String value :
            line.substring(colon + 1).replaceAll("^\\s*\\[|]\\s*$", "").split(",")) {
          add(current, value);
        }
      }
    }
    return Map.of(); // the YAML never ended
  }

  private static void add(List<String> values, String value) {
    String plain = value.replaceAll("\\s+#.*", "").strip().replaceAll("^([\"'])(.*)\\1$", "$2");
    if (!plain.isEmpty()) {
      values.add(plain);
    }
  }
}
