package org.clip4j.hub;

/**
 * Receives how far a download is, at most every 256 KiB, on the thread that called {@link
 * Hub#fetch}. Files found in the cache are only counted. What it throws ends the download and
 * reaches the caller; what was received is kept.
 */
@FunctionalInterface
public interface DownloadListener {
  /** A listener that does nothing. */
  DownloadListener SILENT = progress -> {};

  /** Receives how far the download is. */
  void progress(DownloadProgress progress);
}
