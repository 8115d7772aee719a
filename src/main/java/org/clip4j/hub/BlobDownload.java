package org.clip4j.hub;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.function.LongConsumer;
import org.clip4j.io.IoErrors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings a file's content to its place among the blobs: goes on where an earlier attempt ended,
 * asks again when the connection breaks, and checks size and checksum before the content takes its
 * name.
 */
final class BlobDownload {
  private static final Logger logger = LoggerFactory.getLogger(BlobDownload.class);

  private final HubClient client;
  private final HubId id;
  private final String commit;
  private final RemoteFile file;
  private final LongConsumer progress;
  private final Retries retries;

  /**
   * @param progress is told how many bytes are there, after each change
   */
  BlobDownload(HubClient client, HubId id, String commit, RemoteFile file, LongConsumer progress) {
    this.client = client;
    this.id = id;
    this.commit = commit;
    this.file = file;
    this.progress = progress;
    retries = client.retries(id, file.name());
  }

  void to(Path blob) throws IOException, InterruptedException {
    try (Partial partial = Partial.claim(blob)) {
      if (isFilledAndPublished(partial, blob)) {
        return;
      }
    }
    // What was resumed may have been another's, or damaged on the way: once more, from the start.
    logger.warn("{} of {} arrived damaged; downloading it again", file.name(), id);
    try (Partial partial = Partial.fresh(blob)) {
      if (isFilledAndPublished(partial, blob)) {
        return;
      }
    }
    throw new HubException(
        file.name()
            + " of "
            + id
            + " does not have the "
            + file.checksum()
            + " that the hub gives for it, twice in a row; what was received is deleted. Try again"
            + " later, or check the proxy or mirror on the way");
  }

  private boolean isFilledAndPublished(Partial partial, Path blob)
      throws IOException, InterruptedException {
    if (!fill(partial, blob)) {
      partial.delete();
      return false;
    }
    try {
      partial.publish();
    } catch (ClosedByInterruptException e) {
      throw e;
    } catch (IOException e) {
      throw cannotWrite(blob, e);
    }
    return true;
  }

  /** Receives what is missing; false if the result is not what the hub says it should be. */
  private boolean fill(Partial partial, Path blob) throws IOException, InterruptedException {
    MessageDigest digest = file.checksum().start(file.size());
    if (partial.size() > file.size()) {
      return false;
    }
    partial.digest(digest);
    long there = partial.size();
    requireSpace(blob, file.size() - there);
    long furthest = there; // only what is beyond counts as progress, or it might go on for ever
    while (there < file.size()) {
      try (HubClient.Reply reply = client.content(id, commit, file.name(), there)) {
        if (there > 0 && !continues(reply, there)) {
          // The server sends everything, or what was not asked for: start from zero.
          partial.clear();
          digest = file.checksum().start(file.size());
          there = 0;
          if (reply.status() != 200) {
            retries.await(
                new TransientFailure(
                    HubClient.show(reply.uri()) + " cannot go on in the middle of " + file.name(),
                    Duration.ZERO));
            continue;
          }
        }
        progress.accept(there);
        ByteBuffer bytes = reply.body().next();
        for (; bytes != null; bytes = reply.body().next()) {
          if (bytes.remaining() > file.size() - there) {
            logger.warn("{} sends more than {} bytes", HubClient.show(reply.uri()), file.size());
            return false;
          }
          there += bytes.remaining();
          digest.update(bytes.duplicate());
          write(partial, bytes, blob);
          progress.accept(there);
        }
        if (there < file.size()) {
          throw new TransientFailure(
              "the connection ended after " + there + " of " + file.size() + " bytes");
        }
      } catch (TransientFailure e) {
        retries.received(there - furthest);
        furthest = Math.max(furthest, there);
        retries.await(e);
      }
    }
    return file.checksum().matches(digest);
  }

  /** Whether the answer is the rest of the file from a position on. */
  private boolean continues(HubClient.Reply reply, long position) {
    String range = reply.header("Content-Range");
    return reply.status() == 206
        && range != null
        && (range.equals("bytes " + position + "-" + (file.size() - 1) + "/" + file.size())
            || range.equals("bytes " + position + "-" + (file.size() - 1) + "/*"));
  }

  private void write(Partial partial, ByteBuffer bytes, Path blob) throws IOException {
    try {
      partial.append(bytes);
    } catch (ClosedByInterruptException e) {
      throw e;
    } catch (IOException e) {
      throw cannotWrite(blob, e);
    }
  }

  private HubException cannotWrite(Path blob, IOException e) {
    return new HubException(
        "cannot write "
            + file.name()
            + " of "
            + id
            + " to "
            + blob.getParent()
            + ": "
            + IoErrors.message(e)
            + ". Free space there, or set HF_HUB_CACHE to another disk; what was received is kept,"
            + " and the next call goes on from there",
        e);
  }

  private void requireSpace(Path blob, long bytes) throws HubException {
    long free = blob.getParent().toFile().getUsableSpace();
    if (free > 0 && free < bytes) { // 0 may mean that the system cannot say
      throw new HubException(
          file.name()
              + " of "
              + id
              + " needs "
              + bytes
              + " bytes more, but "
              + blob.getParent()
              + " has "
              + free
              + " free. Free space there, or set HF_HUB_CACHE to another disk");
    }
  }
}
