package org.clip4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.clip4j.model.ClipModel;
import org.clip4j.model.LoraAdapter;
import org.clip4j.weights.Golden;
import org.clip4j.weights.Layout;
import org.clip4j.weights.LoraCase;
import org.clip4j.weights.PeftAdapter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClipAdapterTest {
  private static final Path MODEL = Golden.folder("hf-clip");
  private static final Path ATTENTION = LoraCase.FOLDER.resolve("attention");
  private static final Path BLOCKS = LoraCase.FOLDER.resolve("blocks");

  @TempDir Path folder;

  /** An image's and a text's embedding. */
  private static float[][] encode(Clip clip) {
    BufferedImage image = new BufferedImage(60, 50, BufferedImage.TYPE_INT_RGB);
    for (int x = 0; x < 60; x++) {
      for (int y = 0; y < 50; y++) {
        image.setRGB(x, y, x * 4 << 16 | y * 5 << 8 | x * y % 256);
      }
    }
    return new float[][] {clip.encodeImage(image), clip.encodeText("a photo of a dog")};
  }

  private static void assertClose(float[][] found, float[][] expected) {
    for (int tower = 0; tower < 2; tower++) {
      for (int i = 0; i < expected[tower].length; i++) {
        assertThat(found[tower][i]).isCloseTo(expected[tower][i], within(2e-5f));
      }
    }
  }

  private static float[][] merged(Path... adapters) {
    ClipLoader loader = Clip.loader(MODEL);
    List.of(adapters).forEach(loader::optAdapter);
    try (Clip clip = loader.load()) {
      return encode(clip);
    }
  }

  @Test
  void adapters_are_named_call_by_call_without_loading_again() throws IOException {
    float[][] plain = merged();
    try (Clip clip = Clip.loader(MODEL).optAdapter("a", ATTENTION).optAdapter("b", BLOCKS).load()) {
      Clip a = clip.adapted("a");
      for (int i = 0; i < 2; i++) {
        assertThat(encode(clip)).isDeepEqualTo(plain);
        assertClose(encode(a), merged(ATTENTION));
        assertClose(encode(clip.adapted("b")), merged(BLOCKS));
        assertClose(encode(a.adapted("a", "b")), merged(ATTENTION, BLOCKS));
      }
      assertThat(Clip.cosine(encode(a)[0], plain[0])).isLessThan(0.9999);
      assertThat(clip.adapted("a")).isSameAs(a);
      List<CompletableFuture<float[]>> mixed =
          List.of(clip.encodeTextAsync("a photo of a dog"), a.encodeTextAsync("a photo of a dog"));
      assertThat(mixed.get(0).join()).isEqualTo(plain[1]);
      assertThat(mixed.get(1).join()).isEqualTo(encode(a)[1]);
      a.save(folder, Layout.TRANSFORMERS);
      a.close();
      assertClose(encode(a), merged(ATTENTION));
      try (Clip saved = Clip.load(folder)) {
        assertClose(encode(saved), merged(ATTENTION));
      }
      assertThatThrownBy(() -> clip.adapted("c"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("no adapter was loaded as 'c'; there are [a, b]");
      assertThatThrownBy(clip::adapted).hasMessageContaining("name an adapter");
    }
  }

  @Test
  void an_adapter_of_projections_too_is_named_as_others_are() {
    Path every = LoraCase.FOLDER.resolve("every");
    float[][] plain = merged();
    try (Clip clip = Clip.loader(MODEL).optAdapter("e", every).optAdapter("b", BLOCKS).load()) {
      assertThat(encode(clip)).isDeepEqualTo(plain);
      assertClose(encode(clip.adapted("e")), merged(every));
      assertClose(encode(clip.adapted("e", "b")), merged(every, BLOCKS));
      assertThat(encode(clip)).isDeepEqualTo(plain);
    }
  }

  @Test
  void a_merged_model_is_saved_with_its_adapter() throws IOException {
    try (Clip clip = Clip.loader(MODEL).optAdapter(BLOCKS).load()) {
      float[][] found = encode(clip);
      clip.save(folder, Layout.OPENCLIP);
      try (Clip saved = Clip.load(folder)) {
        assertThat(encode(saved)).isDeepEqualTo(found);
      }
    }
  }

  @Test
  void an_adapter_of_other_weights_is_refused_by_name() throws IOException {
    try (LoraCase golden = new LoraCase();
        ClipModel other = ClipModel.create(golden.config(), 1)) {
      LoraAdapter adapter = golden.adapter("attention").withBase(other.values());
      PeftAdapter.write(folder, golden.config(), adapter);
    }
    assertThatThrownBy(() -> Clip.loader(MODEL).optAdapter(folder).load())
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining(folder.toString())
        .hasMessageContaining("trained on other weights");
    assertThatThrownBy(() -> Clip.loader(MODEL).optAdapter("a", folder).load())
        .hasMessageContaining("trained on other weights");
    assertThatThrownBy(() -> Clip.loader(MODEL).optAdapter(MODEL).load())
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining("adapter_config.json: it does not exist");
    assertThatThrownBy(() -> Clip.load(ATTENTION))
        .hasMessageContaining(ATTENTION.toString())
        .hasMessageContaining("holds an adapter and no model");
  }
}
