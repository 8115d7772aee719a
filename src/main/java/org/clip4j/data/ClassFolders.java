package org.clip4j.data;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.clip4j.image.ImageDecoder;
import org.clip4j.io.IoErrors;

/**
 * Gives images sorted into a folder for each class, with captions made by templates, see {@link
 * Pairs#classFolders(Path)}. Immutable and safe for use by several threads.
 */
public final class ClassFolders implements PairSource {
  private final Path folder;
  private final ImageDecoder decoder;
  private final List<String> classNames;
  private final List<List<String>> captions; // of each class
  private final List<Image> images;

  private record Image(ImageFolder.Listed file, int label) {}

  private ClassFolders(Builder builder, List<String> classNames, List<Image> images) {
    this.folder = builder.folder;
    this.decoder = builder.decoder;
    this.classNames = List.copyOf(classNames);
    this.images = List.copyOf(images);
    captions =
        this.classNames.stream()
            .map(name -> builder.templates.stream().map(template -> fill(template, name)).toList())
            .toList();
  }

  private static String fill(String template, String name) {
    return template.replace(Builder.PLACE, name);
  }

  @Override
  public String name() {
    return folder.toString();
  }

  @Override
  public int size() {
    return images.size();
  }

  @Override
  public ImageTextPair get(int index) {
    Image image = images.get(index);
    return new ImageTextPair(image.file.source(folder, decoder), captions.get(image.label));
  }

  /** Returns the classes' names, in the order of their folders' names. */
  public List<String> classNames() {
    return classNames;
  }

  /**
   * Returns the image of a pair with its class, for classification.
   *
   * @param index from 0 to {@link #size()} - 1
   */
  public LabelledImage labelled(int index) {
    Image image = images.get(index);
    return new LabelledImage(image.file.source(folder, decoder), image.label);
  }

  /** Says how to read class folders. Not safe for use by several threads. */
  public static final class Builder {
    private static final String PLACE = "{}";

    private final Path folder;
    private ImageDecoder decoder = ImageDecoder.defaults();
    private List<String> templates = List.of("a photo of a {}.");
    private Map<String, String> names;
    private Path namesFile;

    Builder(Path folder) {
      this.folder = Objects.requireNonNull(folder, "folder");
    }

    /**
     * Sets the captions, with {@code {}} in the place of the class name, of which each epoch draws
     * one; by default {@code a photo of a {}.} alone.
     *
     * @throws IllegalArgumentException if there is none, or one lacks the place
     */
    public Builder optTemplates(String... templates) {
      if (templates.length == 0) {
        throw new IllegalArgumentException("name at least one template");
      }
      for (String template : templates) {
        if (!template.contains(PLACE)) {
          throw new IllegalArgumentException(
              "the template \"" + template + "\" lacks {}, the place of the class name");
        }
      }
      this.templates = List.of(templates);
      return this;
    }

    /**
     * Sets the class names by folder name; by default they are the folders' names themselves, with
     * spaces for underscores. Every folder needs one.
     */
    public Builder optClassNames(Map<String, String> names) {
      this.names = Map.copyOf(names);
      return this;
    }

    /**
     * Sets a file of class names: a folder name, a tab and a class name a line, UTF-8. Every folder
     * needs one.
     */
    public Builder optClassNames(Path file) {
      this.namesFile = Objects.requireNonNull(file, "file");
      return this;
    }

    /** Sets how image files are decoded; by default transparency is dropped. */
    public Builder optDecoder(ImageDecoder decoder) {
      this.decoder = Objects.requireNonNull(decoder, "decoder");
      return this;
    }

    /**
     * Finds the images: those in {@code folder/class} and below it, in the order of their paths.
     * Classes without an image are left out; so are images beside the class folders.
     *
     * @throws IOException if the folder is missing, holds no class with an image, or a class has no
     *     name in the list given
     */
    public ClassFolders build() throws IOException {
      Map<String, String> given = namesFile != null ? readNames() : names;
      List<String> classNames = new ArrayList<>();
      Map<String, Integer> labels = new LinkedHashMap<>();
      List<Image> images = new ArrayList<>();
      List<ImageFolder.Listed> found = ImageFolder.images(folder);
      for (ImageFolder.Listed file : found) {
        int slash = file.name().indexOf('/');
        if (slash < 0) {
          continue;
        }
        String directory = file.name().substring(0, slash);
        Integer label = labels.get(directory);
        if (label == null) {
          label = classNames.size();
          labels.put(directory, label);
          classNames.add(className(directory, given));
        }
        images.add(new Image(file, label));
      }
      if (images.isEmpty()) {
        throw new IOException(
            folder
                + " holds no class folders with images"
                + (found.isEmpty()
                    ? ""
                    : "; its " + found.size() + " images must lie in a folder for each class"));
      }
      return new ClassFolders(this, classNames, images);
    }

    private String className(String directory, Map<String, String> given) throws IOException {
      if (given == null) {
        return directory.replace('_', ' ');
      }
      String name = given.get(directory);
      if (name == null) {
        throw new IOException(
            (namesFile != null ? namesFile + " names" : "the class names given have")
                + " no class for the folder \""
                + directory
                + "\" of "
                + folder);
      }
      return name;
    }

    private Map<String, String> readNames() throws IOException {
      return IoErrors.worded(namesFile, () -> readNamesFile());
    }

    private Map<String, String> readNamesFile() throws IOException {
      Map<String, String> read = new LinkedHashMap<>();
      List<String> lines;
      try {
        lines = Files.readAllLines(namesFile);
      } catch (CharacterCodingException e) {
        throw new IOException(namesFile + " is not UTF-8; save it as UTF-8", e);
      }
      for (int i = 0; i < lines.size(); i++) {
        if (lines.get(i).isBlank()) {
          continue;
        }
        String[] fields = lines.get(i).split("\t");
        if (fields.length != 2 || read.put(fields[0].strip(), fields[1].strip()) != null) {
          throw new IOException(
              namesFile
                  + " line "
                  + (i + 1)
                  + " must be a folder name not named before, a tab and a class name");
        }
      }
      return read;
    }
  }
}
