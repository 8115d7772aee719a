package org.clip4j.hub;

import java.util.regex.Pattern;

/**
 * Names a model on the hub and the revision that is meant.
 *
 * @param repo {@code organisation/name}, or {@code name} alone for the hub's oldest models
 * @param revision a branch, a tag or a commit
 */
public record HubId(String repo, String revision) {
  /** The branch that is meant where none is named. */
  public static final String DEFAULT_REVISION = "main";

  // huggingface_hub's validate_repo_id: each part starts and ends with a letter, digit or
  // underscore
  private static final String PART = "(?=[A-Za-z0-9_])[A-Za-z0-9_.-]{1,96}(?<=[A-Za-z0-9_])";
  private static final Pattern REPO = Pattern.compile("(?:" + PART + "/)?" + PART);

  /**
   * Checks both parts.
   *
   * @throws IllegalArgumentException if the hub cannot have such a name; the message says why
   */
  public HubId {
    checkRepo(repo);
    checkRevision(revision);
  }

  /**
   * Reads {@code organisation/name} or {@code organisation/name@revision}.
   *
   * @throws IllegalArgumentException if it is not such a name; the message says why
   */
  public static HubId parse(String text) {
    int at = text.indexOf('@');
    return at < 0
        ? new HubId(text, DEFAULT_REVISION)
        : new HubId(text.substring(0, at), text.substring(at + 1));
  }

  private static void checkRepo(String repo) {
    if (repo.chars().filter(c -> c == '/').count() > 1) {
      throw bad(repo, "it has more than one slash; the form is organisation/name");
    }
    if (repo.contains("--") || repo.contains("..")) {
      throw bad(repo, "names on the hub hold neither -- nor ..");
    }
    if (repo.endsWith(".git")) {
      throw bad(repo, "names on the hub do not end in .git; leave that off");
    }
    if (!REPO.matcher(repo).matches()) {
      throw bad(
          repo,
          "organisation and name have 1 to 96 of the letters a-z and A-Z, digits, -, _ and ., and"
              + " neither start nor end with - or .");
    }
  }

  /** Git's rules for references, and those for names that become files. */
  private static void checkRevision(String revision) {
    String why = RepoPaths.fault(revision);
    if (why == null
        && (revision.length() > 200
            || revision.contains("..")
            || revision.contains("@{")
            || revision.endsWith(".lock")
            || revision.chars().anyMatch(c -> " ~^:?*[\"<>|".indexOf(c) >= 0))) {
      why = "it is no name that git gives to a branch, tag or commit";
    }
    if (why != null) {
      throw new IllegalArgumentException(
          "not a revision: " + RepoPaths.quote(revision) + ": " + why);
    }
  }

  private static IllegalArgumentException bad(String repo, String why) {
    return new IllegalArgumentException(
        "not the name of a model on the hub: " + RepoPaths.quote(repo) + ": " + why);
  }

  /** Whether the revision is a whole commit hash, whose content never changes. */
  boolean isCommit() {
    return BlobChecksum.isSha1(revision);
  }

  /** The folder that the cache keeps the model in. */
  String folderName() {
    return "models--" + repo.replace("/", "--");
  }

  /** Writes the name as {@link #parse} reads it; the default revision is left off. */
  @Override
  public String toString() {
    return revision.equals(DEFAULT_REVISION) ? repo : repo + "@" + revision;
  }
}
