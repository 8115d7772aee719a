package org.clip4j.data;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import java.util.function.IntFunction;
import java.util.function.UnaryOperator;
import org.clip4j.encode.ClassNames;
import org.clip4j.encode.ClassWeights;
import org.clip4j.encode.ImageSource;
import org.clip4j.image.ImageDecoder;
import org.clip4j.io.FileNames;

/**
 * Gives a test set for classification: images, each with one of a list of labels. In memory are
 * names only; an image is read when asked for, so the set may be of any size. Immutable and safe
 * for use by several threads.
 */
public final class LabelledImages {
  private static final int LISTED = 5;

  private final String name;
  private final List<String> labels;
  private final int size;
  private final IntFunction<LabelledImage> image;

  private LabelledImages(
      String name, List<String> labels, int size, IntFunction<LabelledImage> image) {
    this.name = name;
    this.labels = List.copyOf(labels);
    this.size = size;
    this.image = image;
  }

  /**
   * Makes a set of these images.
   *
   * @param labels none twice
   * @param images at least one; each label is an index in {@code labels}
   */
  public static LabelledImages of(String name, List<String> labels, List<LabelledImage> images) {
    List<LabelledImage> kept = List.copyOf(images);
    checkNotEmpty(name, kept.size());
    for (LabelledImage image : kept) {
      if (image.label() >= labels.size()) {
        throw new IllegalArgumentException(
            image.image().name()
                + " has label "
                + image.label()
                + ", but "
                + name
                + " has the labels 0 to "
                + (labels.size() - 1));
      }
    }
    return new LabelledImages(name, labels, kept.size(), kept::get);
  }

  private static void checkNotEmpty(String name, int size) {
    if (size == 0) {
      throw new IllegalArgumentException(name + " holds no images");
    }
  }

  /**
   * Takes a folder that holds a folder of images for each class; the labels are those folders'
   * names, in the order of numbers if all are numbers, else of characters. Images beside the class
   * folders are passed over, as are names that start with a dot; links to folders are followed.
   *
   * @throws IOException if the folder is missing, has no class folders, or has class folders
   *     without an image; the message names them
   */
  public static LabelledImages classFolders(Path folder, ImageDecoder decoder) throws IOException {
    Objects.requireNonNull(decoder, "decoder");
    List<ImageFolder.Listed> files = new ArrayList<>();
    List<String> owners = new ArrayList<>();
    for (ImageFolder.Listed file : ImageFolder.images(folder)) {
      int slash = file.name().indexOf('/');
      if (slash >= 0) {
        files.add(file);
        owners.add(file.name().substring(0, slash).intern());
      }
    }
    Map<String, Integer> index = index(owners);
    checkNoneEmpty(folder, index);
    if (files.isEmpty()) {
      throw new IOException(
          folder + " holds no class folders; put the images of each class in a folder of its own");
    }
    int[] classes = owners.stream().mapToInt(index::get).toArray();
    return new LabelledImages(
        folder.toString(),
        List.copyOf(index.keySet()),
        classes.length,
        i -> new LabelledImage(files.get(i).source(folder, decoder), classes[i]));
  }

  private static void checkNoneEmpty(Path folder, Map<String, Integer> index) throws IOException {
    List<String> empty = new ArrayList<>();
    for (Path each : ImageFolder.entries(folder)) {
      String label = FileNames.text(each.getFileName());
      if (!label.startsWith(".") && !index.containsKey(label) && Files.isDirectory(each)) {
        if (!Files.isReadable(each) || !Files.isExecutable(each)) {
          throw new AccessDeniedException(
              FileNames.text(each), null, "access to this class folder is denied");
        }
        empty.add(label);
      }
    }
    Collections.sort(empty);
    if (!empty.isEmpty()) {
      throw new IOException(
          folder
              + ": no image in the class "
              + (empty.size() == 1 ? "folder " : "folders ")
              + String.join(", ", empty.subList(0, Math.min(LISTED, empty.size())))
              + (empty.size() > LISTED ? " and " + (empty.size() - LISTED) + " more" : "")
              + "; fill or remove what is empty");
    }
  }

  /**
   * Takes pairs whose caption is a label, for example a table with {@code setColumns("file",
   * "label")}; the labels are the different captions, in the order of numbers if all are numbers,
   * else of characters.
   *
   * @throws IllegalArgumentException if a pair has several captions
   */
  public static LabelledImages byCaption(PairSource pairs) {
    checkNotEmpty(pairs.name(), pairs.size());
    List<String> owners = new ArrayList<>(pairs.size());
    for (int i = 0; i < pairs.size(); i++) {
      ImageTextPair pair = pairs.get(i);
      if (pair.captions().size() != 1) {
        throw new IllegalArgumentException(
            pair.image().name()
                + " has the labels "
                + pair.captions()
                + "; an image of "
                + pairs.name()
                + " may have one");
      }
      owners.add(pair.captions().get(0).strip().intern());
    }
    Map<String, Integer> index = index(owners);
    int[] classes = owners.stream().mapToInt(index::get).toArray();
    return new LabelledImages(
        pairs.name(),
        List.copyOf(index.keySet()),
        classes.length,
        i -> new LabelledImage(pairs.get(i).image(), classes[i]));
  }

  private static Map<String, Integer> index(List<String> owners) {
    List<String> labels = new ArrayList<>(new TreeSet<>(owners));
    if (labels.stream().allMatch(label -> label.matches("\\d{1,9}"))) { // so 2 comes before 10
      labels.sort(Comparator.comparingInt(Integer::parseInt));
    }
    Map<String, Integer> index = new LinkedHashMap<>();
    labels.forEach(label -> index.put(label, index.size()));
    return index;
  }

  /** Returns the same images, each changed as it is read, for example by {@link CorruptedImage}. */
  public LabelledImages withImages(String name, UnaryOperator<ImageSource> change) {
    return new LabelledImages(
        name,
        labels,
        size,
        i -> {
          LabelledImage before = image.apply(i);
          return new LabelledImage(change.apply(before.image()), before.label());
        });
  }

  /**
   * Returns the same images, numbered as the labels of another set are.
   *
   * @throws IllegalArgumentException if that has not all of the labels; the message names the first
   *     that is missing
   */
  public LabelledImages withLabelsOf(LabelledImages other) {
    int[] labelOf = new int[labels.size()];
    for (int i = 0; i < labelOf.length; i++) {
      labelOf[i] = other.labels.indexOf(labels.get(i));
      if (labelOf[i] < 0) {
        throw new IllegalArgumentException(
            name
                + " has the label \""
                + labels.get(i)
                + "\", which "
                + other.name
                + " has not; both need the same labels");
      }
    }
    return new LabelledImages(
        name,
        other.labels,
        size,
        i -> {
          LabelledImage before = image.apply(i);
          return new LabelledImage(before.image(), labelOf[before.label()]);
        });
  }

  /**
   * Returns the same images as pairs to train on: the captions of each are the prompts of its
   * class, of which each epoch draws one (FLYP, Goyal et al. 2022, "Finetune like you pretrain").
   *
   * @param classes what the labels mean
   * @param templates at least one, each with a {@code {}} where a class's name goes
   * @throws IllegalArgumentException if a label has no class, or a template no {@code {}}
   */
  public PairSource withPrompts(ClassNames classes, List<String> templates) {
    ClassNames.Matched matched = classes.match(labels);
    int[] classOf = matched.classOf();
    List<List<String>> prompts =
        Arrays.stream(classOf)
            .mapToObj(of -> ClassWeights.prompts(matched.names().get(of), templates))
            .toList();
    return Pairs.of(
        name,
        size,
        index -> {
          LabelledImage labelled = get(index);
          return new ImageTextPair(labelled.image(), prompts.get(labelled.label()));
        });
  }

  /** Returns what messages and reports call it: a path, or a name. */
  public String name() {
    return name;
  }

  /** Returns the labels as the data have them: names of folders, or values of a column. */
  public List<String> labels() {
    return labels;
  }

  /** Returns how many images there are. */
  public int size() {
    return size;
  }

  /**
   * Returns an image, not read yet.
   *
   * @param index from 0 to {@link #size()} - 1
   */
  public LabelledImage get(int index) {
    if (index < 0 || index >= size) {
      throw new IndexOutOfBoundsException("image " + index + " of " + size + " of " + name);
    }
    return image.apply(index);
  }
}
