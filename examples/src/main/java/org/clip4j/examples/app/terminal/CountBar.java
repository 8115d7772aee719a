package org.clip4j.examples.app.terminal;

import java.util.Locale;
import java.util.function.LongConsumer;

/** Shows how many of a known number are done, and their pace; see {@link Progress}. */
public final class CountBar implements LongConsumer, AutoCloseable {
  private final Progress progress;
  private final TimeLeft time;
  private final long total;

  public CountBar(String task, long total) {
    this(task, total, 0);
  }

  /**
   * Starts the clock.
   *
   * @param first done before
   */
  public CountBar(String task, long total, long first) {
    this.total = total;
    progress = new Progress(task, total);
    time = new TimeLeft(first, System::nanoTime);
  }

  @Override
  public void accept(long done) {
    progress(done, 0);
  }

  /**
   * Shows the state.
   *
   * @param done of all, those done before included
   * @param damaged of them
   */
  public void progress(long done, long damaged) {
    time.progress(done);
    String state =
        String.format(Locale.ROOT, "%,.0f/s", time.perSecond())
            + (damaged == 0 ? "" : ", " + damaged + " damaged");
    progress.show(done, state, time.until(total));
  }

  @Override
  public void close() {
    progress.close();
  }
}
