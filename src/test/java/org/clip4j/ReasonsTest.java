package org.clip4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.clip4j.data.Images;
import org.clip4j.data.LabelledImages;
import org.clip4j.data.Pairs;
import org.clip4j.encode.ImageSource;
import org.clip4j.encode.PromptFiles;
import org.clip4j.eval.NumpyArray;
import org.clip4j.eval.probe.LinearProbe;
import org.clip4j.image.ImageDecoder;
import org.clip4j.image.ImageTransform;
import org.clip4j.model.ClipModel;
import org.clip4j.search.Embeddings;
import org.clip4j.search.ExactIndex;
import org.clip4j.text.json.TokenizerJson;
import org.clip4j.text.json.TokenizerRules;
import org.clip4j.weights.Checkpoint;
import org.clip4j.weights.Layout;
import org.clip4j.weights.pytorch.PyTorchArchive;
import org.clip4j.weights.safetensors.SafeTensors;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Whatever is given a path that it cannot use names the path, and says in words what is wrong. */
class ReasonsTest {
  private static final ImageDecoder DECODER = ImageDecoder.defaults();

  @TempDir static Path folder;

  private interface Reader {
    void read(Path path) throws Exception;
  }

  private static Map<String, Reader> readers() {
    Map<String, Reader> readers = new LinkedHashMap<>();
    readers.put("Clip.load", path -> Clip.load(path));
    readers.put("Checkpoint.open", path -> Checkpoint.open(path));
    readers.put("SafeTensors.open", path -> SafeTensors.open(path));
    readers.put("PyTorchArchive.open", path -> PyTorchArchive.open(path));
    readers.put(
        "TokenizerJson.openAny",
        path ->
            TokenizerJson.openAny(path, TokenizerRules.openClip(new com.google.gson.JsonObject())));
    readers.put("PromptSet.read", path -> PromptFiles.templates(path));
    readers.put("ImageDecoder.decode", path -> ImageDecoder.decode(path));
    readers.put("ImageSource.read", path -> ImageSource.of(path).read());
    readers.put("Images.folder", path -> Images.folder(path, DECODER));
    readers.put("Images.list", path -> Images.list(path, DECODER));
    readers.put("Images.table", path -> Images.table(path, "file", DECODER));
    readers.put("Images.tars", path -> Images.tars(path.toString(), DECODER));
    readers.put("LabelledImages", path -> LabelledImages.classFolders(path, DECODER));
    readers.put("Pairs.table", path -> Pairs.table(path).setColumns("a", "b").build());
    readers.put("Pairs.jsonLines", path -> Pairs.jsonLines(path).setKeys("a", "b").build());
    readers.put("Pairs.folder", path -> Pairs.folder(path).build());
    readers.put("Pairs.shards", path -> Pairs.shards(path.toString()).build());
    readers.put("NumpyArray.matrix", path -> NumpyArray.matrix(path));
    readers.put("PromptFiles.templates", path -> PromptFiles.templates(path));
    readers.put("PromptFiles.classNames", path -> PromptFiles.classNames(path));
    readers.put("LinearProbe.load", path -> LinearProbe.load(path));
    readers.put("Embeddings.open", path -> Embeddings.open(path));
    readers.put("ExactIndex.open", path -> ExactIndex.open(path));
    return readers;
  }

  @TestFactory
  Stream<DynamicTest> readers_name_the_path_and_the_reason() throws IOException {
    Path missing = folder.resolve("missing.bin");
    Path beneath = Files.writeString(folder.resolve("file.txt"), "\u0000text").resolve("beneath");
    Path directory = Files.createDirectories(folder.resolve("directory"));
    // To root, who may open all, they are a file and a folder like the others.
    Path locked = Files.writeString(folder.resolve("locked.bin"), "\u0000text");
    Path lockedFolder = Files.createDirectories(folder.resolve("lockedFolder"));
    for (Path each : new Path[] {locked, lockedFolder}) {
      assertThat(each.toFile().setReadable(false) && each.toFile().setExecutable(false)).isTrue();
    }
    return readers().entrySet().stream()
        .flatMap(
            reader ->
                Stream.of(missing, beneath, directory, locked, lockedFolder)
                    .map(
                        path ->
                            DynamicTest.dynamicTest(
                                reader.getKey() + " of " + path.getFileName(),
                                () -> check(path, () -> reader.getValue().read(path)))));
  }

  @Test
  void writers_name_the_path_and_the_reason() throws IOException {
    Path file = Files.writeString(folder.resolve("in the way"), "");
    try (ClipModel model = ClipModel.create(org.clip4j.model.ClipConfig.named("ViT-Ti-8-64"), 0);
        Clip clip = Clip.of(model, ImageTransform.openai(64, 64))) {
      check(file, () -> clip.save(file, Layout.OPENCLIP));
      check(file, () -> clip.save(file.resolve("beneath"), Layout.OPENCLIP));
    }
  }

  private static void check(Path path, ThrowingCallable work) {
    Throwable thrown = catchThrowable(work);
    if (thrown == null && path.endsWith("locked.bin") && Files.isReadable(path)) {
      return; // to root it is not locked, and some look at a file's content only later
    }
    assertThat(thrown).isNotNull();
    String message = thrown.getMessage(); // the library's own, without help
    assertThat(message).contains(path.getFileName().toString());
    String words = message.replaceAll("[^\\s:]*/[^\\s:]*", " "); // no path is a word
    assertThat(words).as(message).containsPattern("[a-z]+ [a-z]+ ?[a-z]*");
  }
}
