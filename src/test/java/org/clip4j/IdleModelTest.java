package org.clip4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.clip4j.model.ClipModel;
import org.junit.jupiter.api.Test;

class IdleModelTest {
  private static final Path GOLDEN = Path.of("src/test/resources/golden/hf-clip");
  private static final Duration HOUR = Duration.ofHours(1);

  private final AtomicLong clock = new AtomicLong();

  private Clip load() {
    return Clip.loader(GOLDEN).optUnloadAfter(HOUR, clock::get).load();
  }

  private static boolean isOpen(ClipModel model) {
    return model.manager().isOpen();
  }

  @Test
  void a_model_is_freed_when_its_time_is_over_and_loaded_again_with_the_same_numbers() {
    try (Clip clip = load()) {
      float[] before = clip.encodeText("a dog");
      ClipModel first = clip.model();
      clock.addAndGet(HOUR.toNanos() - 1);
      clip.freeIfIdle();
      assertThat(isOpen(first)).isTrue();

      clock.addAndGet(1);
      clip.freeIfIdle();
      assertThat(isOpen(first)).isFalse();
      assertThat(clip.encodeText("a dog")).isEqualTo(before);
      assertThat(isOpen(clip.model())).isTrue();
      assertThat(clip.model()).isNotSameAs(first);
    }
  }

  @Test
  void each_call_counts_the_time_anew() {
    try (Clip clip = load()) {
      ClipModel model = clip.model();
      for (int i = 0; i < 3; i++) {
        clock.addAndGet(HOUR.toNanos() - 1);
        assertThat(clip.logitScale()).isPositive();
        clip.freeIfIdle();
      }
      assertThat(isOpen(model)).isTrue();
    }
  }

  @Test
  void many_threads_may_ask_while_it_is_freed() {
    try (Clip clip = load()) {
      float[] expected = clip.encodeText("a dog");
      List<float[]> found =
          IntStream.range(0, 12)
              .parallel()
              .mapToObj(
                  i -> {
                    clock.addAndGet(HOUR.toNanos());
                    clip.freeIfIdle();
                    return clip.encodeText("a dog");
                  })
              .toList();
      assertThat(found).allSatisfy(embedding -> assertThat(embedding).isEqualTo(expected));
    }
  }

  @Test
  void a_freed_model_can_be_closed() {
    Clip clip = load();
    clock.addAndGet(HOUR.toNanos());
    clip.freeIfIdle();
    clip.close();
    assertThatThrownBy(() -> clip.encodeText("a dog"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
  }

  @Test
  void what_needs_the_model_to_stay_is_refused() {
    assertThatThrownBy(() -> Clip.loader(GOLDEN).optUnloadAfter(Duration.ZERO))
        .hasMessageContaining("above 0");
    assertThatThrownBy(
            () -> Clip.loader(GOLDEN).optAdapter("a", GOLDEN).optUnloadAfter(HOUR).load())
        .hasMessageContaining("without a name");
    try (Clip clip = load()) {
      assertThatThrownBy(clip::explainer).hasMessageContaining("stays");
    }
  }
}
