package org.clip4j.weights.pytorch;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.clip4j.testing.Mutations;
import org.clip4j.testing.Mutations.Parser;
import org.clip4j.weights.Checkpoint;
import org.clip4j.weights.TensorFiles;
import org.clip4j.weights.tensors.TensorFile;
import org.clip4j.weights.tensors.TensorInfo;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Whatever a file holds, it is read or refused as documented, in bounded time and memory. */
class MutatedFilesTest {
  private static final int FEW = 2_000;
  private static final int MANY = 100_000;

  @TempDir Path folder;

  /** The kinds of untrusted files, each with valid ones. */
  enum Kind {
    SAFETENSORS("archives/odd.safetensors", "archives/script.safetensors"),
    ZIP(
        "archives/odd-2.pt",
        "archives/script.pt",
        "archives/sharded-bin/" + "pytorch_model-00001-of-00002.bin"),
    PICKLE("archives/odd-2.pt", "archives/odd-4.pt", "archives/script.pt"),
    LEGACY("archives/odd-legacy-2.pt", "archives/odd-legacy-4.pt"),
    INDEX("archives/sharded-safetensors/model.safetensors.index.json"),
    OPENCLIP_CONFIG(
        "golden/openclip-vit-quickgelu/open_clip_config.json",
        "golden/openclip-rn/open_clip_config.json"),
    TRANSFORMERS_CONFIG("golden/hf-clip/config.json"),
    PREPROCESSOR("golden/hf-clip/preprocessor_config.json");

    private final List<Path> files;

    Kind(String... files) {
      this.files = Stream.of(files).map(Path.of("src/test/resources")::resolve).toList();
    }
  }

  @ParameterizedTest
  @EnumSource
  void a_damaged_file_is_read_or_refused(Kind kind) throws IOException {
    check(kind, FEW);
  }

  @Tag("slow")
  @ParameterizedTest
  @EnumSource
  void many_damaged_files_are_read_or_refused(Kind kind) throws IOException {
    check(kind, MANY);
  }

  private void check(Kind kind, int count) throws IOException {
    List<byte[]> inputs = new ArrayList<>();
    for (Path file : kind.files) {
      inputs.add(kind == Kind.PICKLE ? pickleOf(file) : Files.readAllBytes(file));
    }
    Parser parser = parser(kind);
    for (byte[] input : inputs) {
      tolerant(kind, parser, input);
    }
    int refused =
        Mutations.check(kind.ordinal(), count, inputs, parser, List.of(IOException.class));
    assertThat(refused).isBetween(count / 20, count);
  }

  /** The inputs are valid, so that damage is what is tested; a ResNet's config fits no ViT. */
  private static void tolerant(Kind kind, Parser parser, byte[] input) {
    try {
      parser.parse(input);
    } catch (Exception e) {
      assertThat(kind).isEqualTo(Kind.OPENCLIP_CONFIG);
      assertThat(e).hasMessageContaining("does not fit the model");
    }
  }

  private static byte[] pickleOf(Path archive) throws IOException {
    try (FileChannel channel = FileChannel.open(archive)) {
      ZipDirectory zip = ZipDirectory.read(archive, channel);
      String first = zip.firstName();
      ZipDirectory.Range range = zip.range(first.substring(0, first.indexOf('/')) + "/data.pkl");
      return new PickleInput(archive, channel, range.begin(), range.end()).bytes(range.size());
    }
  }

  private Parser parser(Kind kind) throws IOException {
    Path file = folder.resolve(kind.files.get(0).getFileName());
    switch (kind) {
      case INDEX -> {
        copySiblings(kind.files.get(0), ".safetensors");
        return bytes -> readAll(Mutations.write(file, bytes));
      }
      case OPENCLIP_CONFIG, TRANSFORMERS_CONFIG, PREPROCESSOR -> {
        copySiblings(kind.files.get(0), "");
        return bytes -> {
          Mutations.write(file, bytes);
          Checkpoint.open(folder).close();
        };
      }
      case PICKLE -> {
        return bytes -> {
          Mutations.write(file, bytes);
          try (FileChannel channel = FileChannel.open(file)) {
            Pickle pickle = new Pickle(new PickleInput(file, channel, 0, bytes.length));
            new PickleWalk(file).visit(pickle.read());
          }
        };
      }
      default -> {
        return bytes -> readAll(Mutations.write(file, bytes));
      }
    }
  }

  private void copySiblings(Path file, String ending) throws IOException {
    try (Stream<Path> siblings = Files.list(file.getParent())) {
      for (Path sibling : siblings.filter(s -> s.toString().endsWith(ending)).toList()) {
        Files.copy(sibling, folder.resolve(sibling.getFileName()));
      }
    }
  }

  private static void readAll(Path file) throws IOException {
    try (TensorFile tensors = TensorFiles.open(file)) {
      for (TensorInfo info : tensors.tensors().values()) {
        if (info.type().isFloat() || info.type().isInteger()) {
          tensors.floats(info.name());
        }
        if (info.type().isInteger()) {
          tensors.longs(info.name());
        }
      }
    }
  }
}
