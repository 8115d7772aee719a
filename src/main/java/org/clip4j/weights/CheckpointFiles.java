package org.clip4j.weights;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.clip4j.weights.tensors.CheckpointException;

/**
 * Where a checkpoint's parts lie.
 *
 * @param layout of the configuration, or null if there is none
 * @param folder of the configuration and the tokenizer's files
 * @param weights the file of tensors, or the index of several
 */
record CheckpointFiles(Layout layout, Path folder, Path weights) {

  /**
   * Finds the parts.
   *
   * @param path a folder, or a weights file with or without a configuration beside it; the file
   *     also chooses where a folder holds both layouts
   * @throws CheckpointException if a folder holds no checkpoint, or two
   */
  static CheckpointFiles find(Path path) throws IOException {
    if (Files.isDirectory(path)) {
      return inFolder(path);
    }
    if (!Files.exists(path)) {
      throw new NoSuchFileException(path.toString(), null, "no checkpoint there");
    }
    Path folder = path.toAbsolutePath().getParent();
    String name = path.getFileName().toString();
    List<Layout> configured =
        Arrays.stream(Layout.values()).filter(layout -> isConfigured(layout, folder)).toList();
    for (Layout layout : configured) {
      if (layout.weightsFiles().contains(name)) {
        return new CheckpointFiles(layout, folder, path);
      }
    }
    if (configured.size() > 1) {
      throw new CheckpointException(
          path
              + " has both "
              + Arrays.stream(Layout.values())
                  .map(Layout::configFile)
                  .collect(Collectors.joining(" and "))
              + " beside it; it needs one of them to say what its tensors are");
    }
    return new CheckpointFiles(configured.isEmpty() ? null : configured.get(0), folder, path);
  }

  /** The one layout that a folder holds completely, or else its one file of weights. */
  private static CheckpointFiles inFolder(Path folder) throws IOException {
    List<CheckpointFiles> complete = new ArrayList<>();
    for (Layout layout : Layout.values()) {
      if (isConfigured(layout, folder)) {
        layout.weightsFiles().stream()
            .map(folder::resolve)
            .filter(Files::isRegularFile)
            .findFirst()
            .ifPresent(weights -> complete.add(new CheckpointFiles(layout, folder, weights)));
      }
    }
    if (complete.size() > 1) {
      throw new CheckpointException(
          folder
              + " holds a checkpoint in OpenCLIP's layout and one in transformers'; open "
              + complete.stream()
                  .map(found -> found.weights.toString())
                  .collect(Collectors.joining(" or "))
              + " to choose");
    }
    if (complete.size() == 1) {
      return complete.get(0);
    }
    List<Path> archives = archives(folder);
    if (archives.size() == 1) {
      return new CheckpointFiles(null, folder, archives.get(0));
    }
    if (archives.isEmpty() && PeftAdapter.isIn(folder)) {
      throw new CheckpointException(
          folder
              + " holds an adapter and no model; load the model that the adapter was trained on, and"
              + " add the adapter to it");
    }
    StringBuilder message = new StringBuilder(folder + " holds no complete checkpoint:");
    for (Layout layout : Layout.values()) {
      List<String> missing = new ArrayList<>();
      if (!isConfigured(layout, folder)) {
        boolean other = Files.isRegularFile(folder.resolve(layout.configFile()));
        missing.add(layout.configFile() + (other ? " (the one there is timm's)" : ""));
      }
      if (layout.weightsFiles().stream().noneMatch(n -> Files.isRegularFile(folder.resolve(n)))) {
        missing.add(layout.weightsFile());
      }
      message.append(
          "\n  "
              + layout.name().toLowerCase(Locale.ROOT)
              + " lacks "
              + String.join(" and ", missing));
    }
    if (!archives.isEmpty()) {
      message.append("\n  open one of ").append(archives).append(" by its name to choose");
    }
    throw new CheckpointException(message.toString());
  }

  /**
   * Whether the layout's configuration is there. timm, too, names its own {@code config.json} and
   * puts it beside OpenCLIP's files, where that of a text tower may lie as well; each describes one
   * tower alone. Apple's, beside an archive of its own, says nothing that the archive does not.
   */
  private static boolean isConfigured(Layout layout, Path folder) {
    Path file = folder.resolve(layout.configFile());
    if (!Files.isRegularFile(file) || layout != Layout.TRANSFORMERS) {
      return Files.isRegularFile(file);
    }
    try {
      CheckpointFields json = CheckpointFields.read(file);
      boolean beside = Files.isRegularFile(folder.resolve(Layout.OPENCLIP.configFile()));
      boolean ofTexts = beside && TextModelFiles.isTextModel(json.json());
      boolean apple = json.has("image_cfg");
      return !ofTexts && !apple && (!json.has("architecture") || json.has("model_type"));
    } catch (IOException e) {
      return true; // what is wrong with it is said where it is needed
    }
  }

  private static List<Path> archives(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(file -> file.toString().endsWith(".pt") && Files.isRegularFile(file))
          .sorted()
          .toList();
    }
  }
}
