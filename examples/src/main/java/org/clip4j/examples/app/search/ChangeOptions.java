package org.clip4j.examples.app.search;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Option;

/** Options that change an index before it is searched. */
public final class ChangeOptions {
  @Option(
      names = "--add",
      arity = "1..*",
      paramLabel = "FILE",
      description = "Adds images to the index, or replaces those of the same name.")
  private List<Path> add = List.of();

  @Option(
      names = "--field",
      paramLabel = "FIELD=VALUE",
      description = "A field of what --add adds; may be given several times.")
  private List<String> fields = List.of();

  @Option(
      names = "--remove",
      arity = "1..*",
      paramLabel = "NAME",
      description = "Removes rows from the index, by the names that are shown.")
  private List<String> remove = List.of();

  /** Whether anything is to be changed. */
  public boolean any() {
    return !add.isEmpty() || !remove.isEmpty();
  }

  /** Changes the index, and says how. */
  public void apply(ImageSearch search) throws IOException {
    for (String name : remove) {
      System.out.printf(Locale.ROOT, "%d removed: %s%n", search.remove(name), printable(name));
    }
    if (!add.isEmpty()) {
      System.out.printf(
          Locale.ROOT, "%d added, of %,d rows%n", search.add(add, fields), search.size());
    }
  }

  /** A name may hold what a terminal takes as commands. */
  static String printable(String name) {
    return name.replaceAll("[\\p{Cc}\\p{Cf}]", "?");
  }
}
