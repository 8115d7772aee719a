package org.clip4j.examples.app.terminal;

import java.util.Locale;
import org.clip4j.hub.DownloadListener;
import org.clip4j.hub.DownloadProgress;

/** Shows on standard error what is being downloaded: a bar of bytes for each file. */
public final class DownloadBar implements DownloadListener {
  private static final int WIDTH = 30;
  private static final long INTERVAL_NANOS = 200_000_000;

  private final StatusLine line = StatusLine.installed(); // null where there is no terminal
  private String file;
  private long last;

  @Override
  public void progress(DownloadProgress p) {
    boolean done = p.bytesDone() >= p.bytesTotal();
    boolean first = !p.file().equals(file);
    long now = System.nanoTime();
    if (!done && !first && (line == null || now - last < INTERVAL_NANOS)) {
      return;
    }
    if (done && first) {
      return; // it was in the cache
    }
    file = p.file();
    last = now;
    int filled = (int) (WIDTH * p.bytesDone() / Math.max(1, p.bytesTotal()));
    String text =
        String.format(
            Locale.ROOT,
            "%s [%s%s] %,.1f of %,.1f MB, file %d of %d",
            file,
            "#".repeat(filled),
            ".".repeat(WIDTH - filled),
            p.bytesDone() / 1e6,
            p.bytesTotal() / 1e6,
            p.filesDone() + (done ? 0 : 1),
            p.filesTotal());
    if (line == null) {
      System.err.println(text);
      return;
    }
    line.show(text);
    if (done) {
      line.end();
    }
  }
}
