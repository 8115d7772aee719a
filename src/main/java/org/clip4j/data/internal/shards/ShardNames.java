package org.clip4j.data.internal.shards;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.clip4j.io.IoErrors;

/** Which files a pattern or a folder of shards means. */
public final class ShardNames {
  private static final Pattern BRACES = Pattern.compile("\\{([^{}]*)\\}");
  private static final Pattern RANGE = Pattern.compile("([0-9]{1,9})\\.\\.([0-9]{1,9})");
  private static final int MAX_SHARDS = 1 << 20;

  private ShardNames() {}

  /**
   * As a shell and WebDataset expand braces: {@code {000..015}} counts, with zeros in front as the
   * numbers have them, and {@code {a,b}} lists. Several braces multiply; they do not nest.
   */
  public static List<String> expand(String pattern) {
    List<String> names = new ArrayList<>(List.of(""));
    Matcher braces = BRACES.matcher(pattern);
    int from = 0;
    while (braces.find()) {
      String before = pattern.substring(from, braces.start());
      List<String> inside = alternatives(braces.group(1), pattern);
      if ((long) names.size() * inside.size() > MAX_SHARDS) {
        throw tooMany(pattern);
      }
      List<String> longer = new ArrayList<>(names.size() * inside.size());
      for (String name : names) {
        inside.forEach(alternative -> longer.add(name + before + alternative));
      }
      names = longer;
      from = braces.end();
    }
    String rest = pattern.substring(from);
    return names.stream().map(name -> name + rest).toList();
  }

  private static List<String> alternatives(String inside, String pattern) {
    Matcher range = RANGE.matcher(inside);
    if (!range.matches()) {
      return List.of(inside.split(",", -1));
    }
    int first = Integer.parseInt(range.group(1));
    int last = Integer.parseInt(range.group(2));
    if (last < first) {
      throw new IllegalArgumentException(
          "the range {" + inside + "} of " + pattern + " counts down");
    }
    if ((long) last - first >= MAX_SHARDS) {
      throw tooMany(pattern);
    }
    int digits = range.group(1).length();
    List<String> numbers = new ArrayList<>(last - first + 1);
    for (int i = first; i <= last; i++) {
      numbers.add(String.format(Locale.ROOT, "%0" + digits + "d", i));
    }
    return numbers;
  }

  private static IllegalArgumentException tooMany(String pattern) {
    return new IllegalArgumentException(pattern + " means more than " + MAX_SHARDS + " shards");
  }

  /** The {@code .tar} files in a folder, sorted by name; the file itself if it is one. */
  public static List<Path> in(Path place) throws IOException {
    return IoErrors.worded(place, () -> list(place));
  }

  private static List<Path> list(Path place) throws IOException {
    if (!Files.isDirectory(place)) {
      return List.of(place);
    }
    try (Stream<Path> files = Files.list(place)) {
      List<Path> shards = files.filter(file -> file.toString().endsWith(".tar")).sorted().toList();
      if (shards.isEmpty()) {
        throw new IOException(place + " holds no .tar files");
      }
      return shards;
    }
  }
}
