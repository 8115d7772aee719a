package org.clip4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.clip4j.encode.ImageSource;
import org.clip4j.image.ImageTransform;
import org.clip4j.image.RgbImage;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipModel;
import org.clip4j.model.TextConfig;
import org.clip4j.model.VitConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** One Clip shared by many threads, and closed while they call it. */
class ClipThreadsTest {
  private static final ClipConfig CONFIG =
      new ClipConfig(
          16,
          VitConfig.builder()
              .setImageSize(32)
              .setPatchSize(8)
              .setWidth(32)
              .setLayers(2)
              .optHeadWidth(16)
              .build(),
          TextConfig.builder()
              .setContextLength(16)
              .setVocabSize(49408)
              .setWidth(32)
              .setHeads(2)
              .setLayers(2)
              .build(),
          false);

  private static Clip clip() {
    return Clip.of(ClipModel.create(CONFIG, 0), ImageTransform.openai(32, 32));
  }

  private static RgbImage image(int seed) {
    byte[] pixels = new byte[3 * 40 * 36];
    new Random(seed).nextBytes(pixels);
    return new RgbImage(40, 36, pixels);
  }

  private record Noise(int seed) implements ImageSource {
    @Override
    public String name() {
      return "noise " + seed;
    }

    @Override
    public RgbImage read() {
      return image(seed);
    }
  }

  /** What the call with this number gives: images, texts, lists of either, classes. */
  private static float[] call(Clip clip, ZeroShotClassifier classifier, int number) {
    switch (number % 5) {
      case 0:
        return clip.encodeImage(image(number));
      case 1:
        return clip.encodeText("a photo of thing " + number);
      case 2:
        return flat(
            clip.encodeTexts(
                IntStream.range(0, 1 + number % 7)
                    .mapToObj(i -> "word ".repeat(1 + i % 4) + number)
                    .toList()));
      case 3:
        List<float[]> embeddings = new ArrayList<>();
        clip.encodeImages(
            IntStream.range(0, 1 + number % 4).mapToObj(i -> new Noise(number + i)).iterator(),
            (index, image, embedding) -> embeddings.add(embedding));
        return flat(embeddings.toArray(float[][]::new));
      default:
        List<Double> probabilities = classifier.classify(image(number)).getProbabilities();
        float[] values = new float[probabilities.size()];
        for (int i = 0; i < values.length; i++) {
          values[i] = probabilities.get(i).floatValue();
        }
        return values;
    }
  }

  private static float[] flat(float[][] rows) {
    float[] all = new float[rows.length * rows[0].length];
    for (int i = 0; i < rows.length; i++) {
      System.arraycopy(rows[i], 0, all, i * rows[0].length, rows[0].length);
    }
    return all;
  }

  @Test
  @Timeout(120)
  void many_threads_get_the_bits_that_one_gets() throws Exception {
    int threads = 64;
    int calls = 200;
    int different = 100; // calls, so that each result is asked for by many threads
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    try (Clip clip = clip()) {
      ZeroShotClassifier classifier = clip.zeroShot("cat", "dog", "rabbit").build();
      float[][] expected = new float[different][];
      for (int i = 0; i < different; i++) {
        expected[i] = call(clip, classifier, i);
      }
      List<Future<?>> results = new ArrayList<>();
      for (int t = 0; t < threads; t++) {
        int thread = t;
        results.add(
            pool.submit(
                () -> {
                  for (int i = 0; i < calls; i++) {
                    int number = (31 * thread + 7 * i) % different;
                    assertThat(call(clip, classifier, number)).isEqualTo(expected[number]);
                  }
                }));
      }
      for (Future<?> result : results) {
        result.get();
      }
    } finally {
      pool.shutdownNow();
    }
  }

  @Test
  @Timeout(60)
  void closing_waits_for_calls_in_flight_and_later_calls_say_so() throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(8);
    try {
      for (int round = 0; round < 4; round++) {
        Clip clip = clip();
        ZeroShotClassifier classifier = clip.zeroShot("cat", "dog").build();
        AtomicInteger done = new AtomicInteger();
        AtomicInteger refused = new AtomicInteger();
        List<Future<?>> callers = new ArrayList<>();
        for (int t = 0; t < 8; t++) {
          int first = t;
          callers.add(
              pool.submit(
                  () -> {
                    for (int i = first; ; i++) {
                      try {
                        call(clip, classifier, i % 40);
                        done.incrementAndGet();
                      } catch (IllegalStateException e) {
                        assertThat(e).hasMessageContaining("has been closed");
                        refused.incrementAndGet();
                        return;
                      }
                    }
                  }));
        }
        while (done.get() < 20) {
          Thread.sleep(1);
        }
        clip.close();
        clip.close();
        for (Future<?> caller : callers) {
          caller.get();
        }
        assertThat(refused).hasValue(8);
        assertThatThrownBy(() -> clip.encodeText("late")).hasMessageContaining("has been closed");
        assertThatThrownBy(clip::logitScale).hasMessageContaining("has been closed");
      }
    } finally {
      pool.shutdownNow();
    }
  }

  @Test
  @Timeout(30)
  void a_long_call_is_finished_before_the_clip_is_freed() throws Exception {
    Clip clip = clip();
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    AtomicBoolean closed = new AtomicBoolean();
    List<Boolean> closedAt = Collections.synchronizedList(new ArrayList<>());
    Thread caller =
        new Thread(
            () ->
                clip.encodeImages(
                    IntStream.range(0, 200).mapToObj(Noise::new).iterator(),
                    (index, image, embedding) -> {
                      begun.countDown();
                      awaitQuietly(goOn);
                      closedAt.add(closed.get());
                    }));
    caller.start();
    begun.await();
    Thread closer =
        new Thread(
            () -> {
              clip.close();
              closed.set(true);
            });
    closer.start();
    closer.join(200);
    assertThat(closer.isAlive()).isTrue();
    goOn.countDown();
    caller.join();
    closer.join();
    assertThat(closedAt).hasSize(200).containsOnly(false);
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await(10, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  @SuppressWarnings("try") // it is closed within on purpose
  void closing_from_within_a_call_is_refused() {
    try (Clip clip = clip()) {
      Iterator<Noise> images = List.of(new Noise(1)).iterator();
      assertThatThrownBy(() -> clip.encodeImages(images, (index, image, embedding) -> clip.close()))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("from within");
      assertThat(clip.encodeText("still open")).hasSize(16);
    }
  }

  @Test
  void an_interrupted_thread_stops_encoding_and_stays_interrupted() {
    try (Clip clip = clip()) {
      List<Long> seen = new ArrayList<>();
      assertThatThrownBy(
              () ->
                  clip.encodeImages(
                      IntStream.range(0, 10_000).mapToObj(Noise::new).iterator(),
                      (index, image, embedding) -> {
                        seen.add(index);
                        if (index == 40) {
                          Thread.currentThread().interrupt();
                        }
                      }))
          .isInstanceOf(CancellationException.class);
      assertThat(Thread.interrupted()).isTrue();
      assertThat(seen).hasSizeLessThan(200).startsWith(0L, 1L);
      assertThat(clip.encodeText("goes on")).hasSize(16);
    }
  }

  /** Sorting by length is not seen from outside, and neither is how many are asked at once. */
  @Test
  void texts_of_any_length_come_back_in_order() {
    try (Clip clip = clip()) {
      List<String> texts = new ArrayList<>();
      for (int i = 0; i < 300; i++) {
        texts.add(("thing " + i + " ").repeat(1 + i * 7 % 5));
      }
      float[][] together = clip.encodeTexts(texts);
      for (int i = 0; i < texts.size(); i += 13) {
        assertThat(Clip.cosine(together[i], clip.encodeText(texts.get(i)))).isGreaterThan(0.99999);
      }
      assertThat(clip.encodeTexts(List.of())).isEmpty();
    }
  }
}
