package org.clip4j.hub;

/**
 * Says how far a download is.
 *
 * @param file the name of the file in the repository
 * @param bytesDone what is there of it, counting what earlier attempts left; falls back to 0 when
 *     the file has to be started again
 * @param bytesTotal its size
 * @param filesDone files that are complete, those found in the cache included
 * @param filesTotal files of the model; grows once, after the index of a sharded model is read
 */
public record DownloadProgress(
    String file, long bytesDone, long bytesTotal, int filesDone, int filesTotal) {}
