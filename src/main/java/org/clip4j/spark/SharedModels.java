package org.clip4j.spark;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.spark.SparkEnv;
import org.clip4j.Clip;
import org.clip4j.io.Uninterrupted;

/**
 * The models of this process, one for each source, which the tasks of an executor share. A model is
 * loaded when the first task asks for it, stays for the tasks to come, and is closed when the
 * process ends; of models that no task uses, those used last are kept.
 *
 * <p>A model computes one call after another with all threads of the process, so that the threads
 * are divided between the tasks by whose turn it is, and memory holds the activations of one.
 */
final class SharedModels {

  /** Models kept that no task uses: an image encoder and a text encoder, of two models. */
  private static final int MOST_IDLE = 4;

  private static final SharedModels OF_PROCESS = new SharedModels();

  private final Map<ModelSource, Shared> models = new HashMap<>();
  private final Deque<ModelSource> idle = new ArrayDeque<>(); // that used last comes last
  private final AtomicLong loads = new AtomicLong();

  private SharedModels() {
    Runtime.getRuntime().addShutdownHook(new Thread(this::close, "clip4j-spark-close"));
  }

  private static final class Shared {
    final FutureTask<Clip> clip;
    int users;

    Shared(FutureTask<Clip> clip) {
      this.clip = clip;
    }
  }

  /** A task's use of a model; closing it again does nothing. */
  static final class Use implements AutoCloseable {
    private final ModelSource source;
    private final Clip clip;
    private boolean ended;

    private Use(ModelSource source, Clip clip) {
      this.source = source;
      this.clip = clip;
    }

    Clip clip() {
      return clip;
    }

    @Override
    public void close() {
      if (!ended) {
        ended = true;
        OF_PROCESS.release(source);
      }
    }
  }

  /** Begins to use a model, which is loaded unless it is there. */
  static Use use(ModelSource source) {
    return new Use(source, OF_PROCESS.take(source));
  }

  /** Counts the models that this process has loaded. */
  static long loads() {
    return OF_PROCESS.loads.get();
  }

  private Clip take(ModelSource source) {
    Shared shared;
    synchronized (this) {
      shared = models.computeIfAbsent(source, s -> new Shared(new FutureTask<>(() -> load(s))));
      shared.users++;
      idle.remove(source);
    }
    shared.clip.run(); // by the first alone; the others wait
    try {
      return Uninterrupted.await(shared.clip::get);
    } catch (ExecutionException e) {
      synchronized (this) {
        models.remove(source, shared); // the next one tries again
      }
      throw e.getCause() instanceof RuntimeException cause
          ? cause
          : new IllegalStateException(e.getCause());
    }
  }

  private Clip load(ModelSource source) throws IOException {
    limitThreads();
    loads.incrementAndGet();
    return Uninterrupted.get(source::load); // the task that is first may be killed meanwhile
  }

  private synchronized void release(ModelSource source) {
    Shared shared = models.get(source);
    if (shared != null && --shared.users == 0) { // null when the process ends
      idle.add(source);
      if (idle.size() > MOST_IDLE) {
        close(models.remove(idle.remove()));
      }
    }
  }

  /**
   * Has PyTorch use as many threads as the executor has cores; it would take all of the machine's,
   * also where several executors share one.
   */
  static void limitThreads() {
    String threads = "ai.djl.pytorch.num_threads";
    SparkEnv environment = SparkEnv.get();
    if (System.getProperty(threads) == null
        && environment != null
        && !environment.executorId().equals("driver")) {
      int cores = Runtime.getRuntime().availableProcessors();
      System.setProperty(
          threads, String.valueOf(environment.conf().getInt("spark.executor.cores", cores)));
    }
  }

  private synchronized void close() {
    models.values().stream().filter(s -> s.clip.isDone()).forEach(SharedModels::close);
    models.clear();
  }

  private static void close(Shared shared) {
    try {
      shared.clip.get().close();
    } catch (InterruptedException | ExecutionException e) { // there is none
    }
  }
}
