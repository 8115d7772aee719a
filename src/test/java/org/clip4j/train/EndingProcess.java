package org.clip4j.train;

import java.io.IOException;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipModel;
import org.clip4j.model.TextConfig;
import org.clip4j.model.VitConfig;

/** A training that its own process ends amid a step, for {@link EndedTrainingTest}. */
final class EndingProcess {
  /** Ways to end. */
  enum Way {
    EXIT(7),
    EXIT_IN_LISTENER(7),
    RETURN(0),
    EXCEPTION(1),
    SIGNAL(143);

    /** What the process's parent then sees. */
    final int status;

    Way(int status) {
      this.status = status;
    }
  }

  /** Wide enough that a step is a few long native calls: for short ones Java waits by itself. */
  private static final ClipConfig CONFIG =
      new ClipConfig(
          16,
          VitConfig.builder()
              .setImageSize(32)
              .setPatchSize(4)
              .setWidth(128)
              .setLayers(4)
              .optHeadWidth(32)
              .build(),
          TextConfig.builder()
              .setContextLength(8)
              .setVocabSize(128)
              .setWidth(32)
              .setHeads(2)
              .setLayers(1)
              .build(),
          false);

  private EndingProcess() {}

  /**
   * Trains on a thread of its own and ends.
   *
   * @param args the way; a signal is the parent's to send, at the time that is printed
   */
  public static void main(String[] args) throws Exception {
    Way way = Way.valueOf(args[0].toUpperCase(Locale.ROOT));
    CountDownLatch begun = new CountDownLatch(2); // steps; the first is slower
    long[] stepNanos = {0};
    Thread training =
        new Thread(
            () -> {
              try (ClipModel model = ClipModel.create(CONFIG, 1)) {
                SmallTraining.builder(model, null)
                    .optSteps(1000)
                    .optBatchSize(128)
                    .optMicroBatchSize(128)
                    .optListener(
                        step -> {
                          stepNanos[0] = System.nanoTime() - stepNanos[0];
                          begun.countDown();
                          if (way == Way.EXIT_IN_LISTENER && begun.getCount() == 0) {
                            System.exit(way.status);
                          }
                          if (begun.getCount() == 1) {
                            stepNanos[0] = System.nanoTime();
                          }
                        })
                    .build()
                    .train();
              } catch (IOException e) {
                e.printStackTrace();
              }
            });
    training.setDaemon(true);
    training.start();
    begun.await();
    long nanos = ThreadLocalRandom.current().nextLong(stepNanos[0]);
    System.out.println(
        "step of " + stepNanos[0] / 1_000_000 + " ms, end after " + nanos / 1_000_000);
    Thread.sleep(nanos / 1_000_000);
    switch (way) {
      case EXIT -> System.exit(way.status);
      case RETURN -> {} // the training's thread is a daemon
      case EXCEPTION -> throw new IllegalStateException("meant to be: the main thread fails");
      default -> {
        System.out.println("now");
        Thread.sleep(600_000);
      }
    }
  }
}
