package org.clip4j.djl;

import ai.djl.util.Progress;
import org.clip4j.hub.DownloadListener;
import org.clip4j.hub.DownloadProgress;

/** Shows each file of a download on DJL's progress. */
final class ShownDownload implements DownloadListener {
  private final Progress shown;
  private String file;

  ShownDownload(Progress shown) {
    this.shown = shown;
  }

  @Override
  public void progress(DownloadProgress progress) {
    if (!progress.file().equals(file)) {
      file = progress.file();
      shown.reset("Downloading", progress.bytesTotal(), file);
    }
    shown.update(progress.bytesDone());
  }
}
