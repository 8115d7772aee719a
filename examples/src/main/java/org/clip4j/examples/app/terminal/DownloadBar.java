package org.clip4j.examples.app.terminal;

import java.io.PrintStream;
import java.util.Locale;
import java.util.function.LongSupplier;
import org.clip4j.hub.DownloadListener;
import org.clip4j.hub.DownloadProgress;

/** Shows what is being downloaded: the {@link Progress} of each file, on standard error. */
public final class DownloadBar implements DownloadListener {
  private final PrintStream out;
  private final LongSupplier nanoTime;
  private final StatusLine line; // null where there is no terminal
  private String file;
  private Progress progress;

  public DownloadBar() {
    this(System.err, System::nanoTime, StatusLine.installed());
  }

  DownloadBar(PrintStream out, LongSupplier nanoTime, StatusLine line) {
    this.out = out;
    this.nanoTime = nanoTime;
    this.line = line;
  }

  @Override
  public void progress(DownloadProgress p) {
    boolean done = p.bytesDone() >= p.bytesTotal();
    if (!p.file().equals(file)) {
      if (done) {
        return; // it was in the cache
      }
      file = p.file();
      progress = new Progress(file, p.bytesTotal(), p.bytesDone(), out, nanoTime, line);
    }
    progress.show(
        p.bytesDone(),
        String.format(
            Locale.ROOT,
            "%,.1f of %,.1f MB, file %d of %d",
            p.bytesDone() / 1e6,
            p.bytesTotal() / 1e6,
            p.filesDone() + (done ? 0 : 1),
            p.filesTotal()));
    if (done) {
      progress.close();
    }
  }
}
