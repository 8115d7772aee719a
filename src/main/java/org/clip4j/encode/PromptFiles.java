package org.clip4j.encode;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.clip4j.io.IoErrors;

/** Reads templates and class names from files of one's own, UTF-8. */
public final class PromptFiles {
  private PromptFiles() {}

  /** A line that says something, and its number. */
  private record Line(int number, String text) {}

  /**
   * Reads templates, one a line; blank lines, and lines that start with {@code #}, are passed over.
   *
   * @throws IOException if the file is missing, not UTF-8, has no template, one without {@code {}},
   *     or one twice; the message names file and line
   */
  public static List<String> templates(Path file) throws IOException {
    Map<String, Integer> seen = new HashMap<>();
    List<String> templates = new ArrayList<>();
    for (Line line : lines(file)) {
      if (!line.text.contains("{}")) {
        throw new IOException(
            at(file, line)
                + ": the template \""
                + line.text
                + "\" has no {}, the place where the class name goes");
      }
      Integer before = seen.putIfAbsent(line.text, line.number);
      if (before != null) {
        throw new IOException(
            at(file, line) + ": the template \"" + line.text + "\" is that of line " + before);
      }
      templates.add(line.text);
    }
    if (templates.isEmpty()) {
      throw new IOException(
          file + " has no template; write one a line, for example: a photo of a {}.");
    }
    return List.copyOf(templates);
  }

  /**
   * Reads class names. A {@code .json} file is a list of names in the order of the classes, or an
   * object of label to name; in place of a name may stand a list of names. Any other file has a
   * name a line in the order of the classes, or on each line a label, a tab and a name, and perhaps
   * more tabs and names; blank lines, and lines that start with {@code #}, are passed over.
   *
   * @throws IOException if the file is missing, not UTF-8, has no class, a class without a name, or
   *     a label or name twice; the message names file and line
   */
  public static ClassNames classNames(Path file) throws IOException {
    return file.toString().endsWith(".json") ? json(file) : text(file);
  }

  private static ClassNames text(Path file) throws IOException {
    List<Line> lines = lines(file);
    boolean labelled = lines.stream().anyMatch(line -> line.text.contains("\t"));
    Checked checked = new Checked(file, labelled);
    for (Line line : lines) {
      String[] fields = line.text.split("\t", -1);
      List<String> names = Arrays.asList(fields).subList(labelled ? 1 : 0, fields.length);
      if (names.isEmpty()) {
        throw new IOException(
            at(file, line)
                + ": the label \""
                + line.text
                + "\" has no name; other lines have a label, a tab and a name");
      }
      checked.add("line " + line.number, labelled ? fields[0] : null, names);
    }
    return checked.finish();
  }

  private static ClassNames json(Path file) throws IOException {
    JsonElement root;
    try {
      root = JsonParser.parseString(read(file));
    } catch (JsonParseException e) {
      throw new IOException(file + " is not JSON: " + IoErrors.message(e), e);
    }
    if (root.isJsonArray()) {
      Checked checked = new Checked(file, false);
      for (JsonElement names : root.getAsJsonArray()) {
        checked.add("entry " + checked.size(), null, names(file, names));
      }
      return checked.finish();
    }
    if (root.isJsonObject()) {
      JsonObject object = root.getAsJsonObject();
      Checked checked = new Checked(file, true);
      for (String label : object.keySet()) {
        checked.add("\"" + label + "\"", label, names(file, object.get(label)));
      }
      return checked.finish();
    }
    throw new IOException(
        file + " must be a list of class names, or an object of label to class name");
  }

  private static List<String> names(Path file, JsonElement value) throws IOException {
    List<String> names = new ArrayList<>();
    Iterable<JsonElement> all = value.isJsonArray() ? value.getAsJsonArray() : List.of(value);
    for (JsonElement each : all) {
      if (!each.isJsonPrimitive() || !each.getAsJsonPrimitive().isString()) {
        throw new IOException(
            file + ": a class name must be a text, or a list of texts, found " + value);
      }
      names.add(each.getAsString());
    }
    return names;
  }

  /** The classes read so far. */
  private static final class Checked {
    private final Path file;
    private final List<String> labels;
    private final List<List<String>> names = new ArrayList<>();
    private final Map<String, String> seenLabels = new HashMap<>();
    private final Map<String, String> seenNames = new HashMap<>();

    Checked(Path file, boolean labelled) {
      this.file = file;
      labels = labelled ? new ArrayList<>() : null;
    }

    int size() {
      return names.size();
    }

    void add(String where, String label, List<String> given) throws IOException {
      List<String> own = given.stream().map(String::strip).toList();
      if (own.isEmpty() || own.stream().anyMatch(String::isEmpty)) {
        throw new IOException(file + " " + where + ": the class has an empty name");
      }
      if (label != null) {
        String before = seenLabels.putIfAbsent(label.strip(), where);
        if (before != null) {
          throw new IOException(
              String.format(
                  Locale.ROOT,
                  "%s %s: the label \"%s\" stands at %s too",
                  file,
                  where,
                  label.strip(),
                  before));
        }
        labels.add(label.strip());
      }
      for (String name : own) {
        String before = seenNames.putIfAbsent(name, where);
        if (before != null) {
          throw new IOException(
              String.format(
                  Locale.ROOT,
                  "%s %s: the name \"%s\" stands at %s too; prompts cannot tell such classes apart",
                  file,
                  where,
                  name,
                  before));
        }
      }
      names.add(own);
    }

    ClassNames finish() throws IOException {
      if (names.isEmpty()) {
        throw new IOException(file + " names no class");
      }
      return new ClassNames(
          file.toString(), labels == null ? null : List.copyOf(labels), List.copyOf(names));
    }
  }

  private static List<Line> lines(Path file) throws IOException {
    List<String> all = read(file).lines().toList();
    List<Line> lines = new ArrayList<>();
    for (int i = 0; i < all.size(); i++) {
      String text = all.get(i).strip();
      if (!text.isEmpty() && !text.startsWith("#")) {
        lines.add(new Line(i + 1, text));
      }
    }
    return lines;
  }

  private static String read(Path file) throws IOException {
    try {
      return Files.readString(file).replace("\uFEFF", "");
    } catch (NoSuchFileException e) {
      throw new IOException(file + " does not exist", e);
    } catch (CharacterCodingException e) {
      throw new IOException(file + " is not UTF-8; save it as UTF-8", e);
    } catch (IOException e) {
      throw IoErrors.worded(file, e);
    }
  }

  private static String at(Path file, Line line) {
    return file + " line " + line.number;
  }
}
