package org.clip4j.hub;

import java.text.Normalizer;
import java.util.Locale;
import java.util.regex.Pattern;

/** What strangers may call a file: their names, hashes and commits become paths in the cache. */
final class RepoPaths {
  private static final Pattern DRIVE = Pattern.compile("[A-Za-z]:.*", Pattern.DOTALL);

  /** Any hash, and nothing that means something to a file system: no dots, no devices' names. */
  private static final Pattern ETAG = Pattern.compile("[0-9A-Za-z][0-9A-Za-z_-]{7,127}");

  private static final Pattern PLAIN = Pattern.compile("[0-9A-Za-z._-]+");

  private RepoPaths() {}

  /**
   * Why a name with slashes may not become a path below a folder, on any system.
   *
   * @return null if it may
   */
  static String fault(String name) {
    if (name.isEmpty()) {
      return "it is empty";
    }
    if (name.chars().anyMatch(c -> c < ' ' || c == 0x7F)) {
      return "it holds a control character";
    }
    // Some file systems fold look-alikes (a full-width dot or slash) into plain characters.
    for (String form : new String[] {name, Normalizer.normalize(name, Normalizer.Form.NFKC)}) {
      if (form.indexOf('\\') >= 0) {
        return "it holds a backslash";
      }
      for (String part : form.split("/", -1)) {
        if (DRIVE.matcher(part).matches()) {
          return "it starts with a drive letter";
        }
        // Windows drops trailing dots and spaces, so that ". ." and "..." are parents too.
        if (part.replaceAll("[. ]+$", "").isEmpty()) {
          return part.isEmpty() ? "it has an empty part" : "it has the part " + quote(part);
        }
      }
    }
    return null;
  }

  /** Lets through a repository's path, or says whose name is bad. */
  static String checkPath(String name, String where) throws HubException {
    String fault = fault(name);
    if (fault != null) {
      throw new HubException(
          where
              + " names the file "
              + quote(name)
              + ", which could be written outside its folder: "
              + fault
              + ". Nothing was downloaded; do not trust this model");
    }
    return name;
  }

  /** Lets through a path of one part, a file in the folder itself. */
  static String checkPlain(String name, String where) throws HubException {
    if (!PLAIN.matcher(checkPath(name, where)).matches()) {
      throw new HubException(
          where
              + " names the file "
              + quote(name)
              + "; it should be one beside it, named by a-z, A-Z, 0-9, ., _ and -");
    }
    return name;
  }

  /** Lets through a commit's hash. */
  static String checkCommit(String commit, String where) throws HubException {
    if (!BlobChecksum.isSha1(commit)) {
      throw new HubException(
          where + " gives " + quote(commit) + " for a commit; that is 40 hexadecimal digits");
    }
    return commit;
  }

  /** Lets through a normalised etag. */
  static String checkEtag(String etag, String where) throws HubException {
    if (!ETAG.matcher(etag).matches()) {
      throw new HubException(
          where + " gives the etag " + quote(etag) + "; that should be a hash of the content");
    }
    return etag;
  }

  /** For messages: short, and without anything that moves a terminal's cursor. */
  static String quote(String text) {
    if (text == null) {
      return "nothing";
    }
    String shown = text.length() > 120 ? text.substring(0, 120) + "..." : text;
    StringBuilder quoted = new StringBuilder("\"");
    shown
        .chars()
        .forEach(
            c -> {
              if (Character.isISOControl(c) || Character.getType(c) == Character.FORMAT) {
                quoted.append(String.format(Locale.ROOT, "\\u%04x", c));
              } else {
                quoted.append((char) c);
              }
            });
    return quoted.append('"').toString();
  }
}
