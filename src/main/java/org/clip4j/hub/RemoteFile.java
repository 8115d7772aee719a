package org.clip4j.hub;

import java.util.OptionalLong;

/**
 * A file to be downloaded, by the answer to a HEAD request and the listing together.
 *
 * @param name in the repository
 * @param etag the name that its content has in the cache
 * @param size in bytes
 * @param checksum of its content
 */
record RemoteFile(String name, String etag, long size, BlobChecksum checksum) {

  static RemoteFile of(HubClient.Reply reply, HubId id, String commit, RepoFile listed)
      throws HubException {
    String where = "the hub's answer for " + listed.name() + " of " + id;
    String told = reply.header("X-Repo-Commit");
    if (told == null) {
      throw new HubException(
          where
              + " lacks X-Repo-Commit; is HF_ENDPOINT a Hugging Face hub, or a proxy in the way?");
    }
    if (!RepoPaths.checkCommit(told, where).equals(commit)) {
      throw new HubException(
          where + " is of commit " + told + " where " + commit + " was asked for");
    }
    String linked = reply.header("X-Linked-Etag");
    String etag = linked != null ? linked : reply.header("ETag");
    if (etag == null) {
      throw new HubException(where + " has neither X-Linked-Etag nor ETag, so it has no name");
    }
    etag = RepoPaths.checkEtag(normalise(etag), where);
    return new RemoteFile(
        listed.name(), etag, size(reply, where, listed), checksum(etag, where, listed));
  }

  /** {@code W/"x"} and {@code "x"} become {@code x}. */
  static String normalise(String etag) {
    return etag.replaceFirst("^(?:W/)?\"?", "").replaceFirst("\"$", "");
  }

  private static long size(HubClient.Reply reply, String where, RepoFile listed)
      throws HubException {
    OptionalLong size = reply.size("X-Linked-Size");
    if (size.isEmpty() && !reply.isRedirect()) {
      size = reply.size("Content-Length");
    }
    if (size.isEmpty() && listed.size() < 0) {
      throw new HubException(where + " does not say how large it is");
    }
    if (size.isPresent() && listed.size() >= 0 && size.getAsLong() != listed.size()) {
      throw new HubException(
          where + " gives " + size.getAsLong() + " bytes, but its listing " + listed.size());
    }
    return size.orElse(listed.size());
  }

  /** SHA-256 where either source has it, else git's hash; the two must not disagree. */
  private static BlobChecksum checksum(String etag, String where, RepoFile listed)
      throws HubException {
    String sha256 = agreed(BlobChecksum.isSha256(etag) ? etag : null, listed.sha256(), where);
    if (sha256 != null) {
      return new BlobChecksum(false, sha256);
    }
    String git = agreed(BlobChecksum.isSha1(etag) ? etag : null, listed.gitHash(), where);
    if (git != null) {
      return new BlobChecksum(true, git);
    }
    throw new HubException(
        where + " has no checksum: neither its listing nor the etag " + etag + " is one");
  }

  private static String agreed(String told, String listed, String where) throws HubException {
    if (told != null && listed != null && !told.equals(listed)) {
      throw new HubException(
          where + " gives the hash " + told + ", but its listing gives " + listed);
    }
    return told != null ? told : listed;
  }
}
