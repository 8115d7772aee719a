package org.clip4j.hub;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.clip4j.io.JsonFile;

/**
 * What a repository holds at a commit, by {@code /api/models/ID/revision/REVISION?blobs=true}.
 *
 * @param commit that the revision means
 * @param files by name, all of them checked to be paths within the repository
 */
record RepoListing(String commit, Map<String, RepoFile> files) {

  static RepoListing parse(byte[] json, HubId id) throws IOException {
    String where = "the hub's listing of " + id;
    JsonObject root = JsonFile.object(json, where, HubException::unavailable);
    String commit = RepoPaths.checkCommit(text(root, "sha"), where);
    if (id.isCommit() && !commit.equals(id.revision())) {
      throw new HubException(where + " is of another commit, " + commit);
    }
    if (!(root.get("siblings") instanceof JsonArray siblings)) {
      throw new HubException(where + " has no siblings, the names of its files");
    }
    Map<String, RepoFile> files = new LinkedHashMap<>();
    for (JsonElement sibling : siblings) {
      if (!(sibling instanceof JsonObject entry) || text(entry, "rfilename") == null) {
        throw new HubException(where + " has a file without a name");
      }
      RepoFile file = file(entry, where);
      if (files.put(file.name(), file) != null) {
        throw new HubException(where + " has " + RepoPaths.quote(file.name()) + " twice");
      }
    }
    return new RepoListing(commit, files);
  }

  private static RepoFile file(JsonObject entry, String where) throws HubException {
    String name = RepoPaths.checkPath(text(entry, "rfilename"), where);
    long size = size(entry, where, name);
    if (!(entry.get("lfs") instanceof JsonObject lfs)) {
      String hash = text(entry, "blobId");
      return new RepoFile(name, size, BlobChecksum.isSha1(hash) ? hash : null, null);
    }
    long stored = size(lfs, where, name);
    if (size >= 0 && stored >= 0 && size != stored) {
      throw new HubException(
          where + " gives " + name + " both " + size + " and " + stored + " bytes");
    }
    String hash = text(lfs, "sha256");
    return new RepoFile(
        name, Math.max(size, stored), null, BlobChecksum.isSha256(hash) ? hash : null);
  }

  private static long size(JsonObject entry, String where, String name) throws HubException {
    JsonElement size = entry.get("size");
    if (size == null || size.isJsonNull()) {
      return -1;
    }
    if (!(size instanceof JsonPrimitive) || !size.getAsString().matches("[0-9]{1,18}")) {
      throw new HubException(
          where + " gives " + name + " the size " + RepoPaths.quote(size.toString()));
    }
    return size.getAsLong();
  }

  /** The text under a key; null where there is none. */
  private static String text(JsonObject json, String key) {
    return json.get(key) instanceof JsonPrimitive value && value.isString()
        ? value.getAsString()
        : null;
  }
}
