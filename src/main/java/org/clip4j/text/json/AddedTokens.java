package org.clip4j.text.json;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.clip4j.text.internal.Characters;
import org.clip4j.text.internal.ClipWords;
import org.clip4j.text.internal.repair.TextRepair;

/**
 * Tokens that a model has beyond OpenAI's, such as those of textual inversion, and where a text has
 * them: as the {@code tokenizers} library looks for them. Those that are not to be normalized are
 * found in the text as it is typed, the others then in what is between, cleaned and in lower case;
 * of several that begin at one place the longest counts. White space beside a token is nothing to
 * CLIP, so that the flags that take it away need no notice.
 */
final class AddedTokens {
  private final Node typed = new Node();
  private final Node normalized = new Node();

  /**
   * A part of a text.
   *
   * @param id of a token, or -1
   * @param text what is not a token
   * @param clean whether the text is cleaned and in lower case
   */
  record Part(int id, String text, boolean clean) {}

  /** Of a tree by characters; a token ends here if there is one. */
  private static final class Node {
    private final Map<Character, Node> next = new HashMap<>();
    private AddedToken token;

    void add(String text, AddedToken added) {
      Node node = this;
      for (char c : text.toCharArray()) {
        node = node.next.computeIfAbsent(c, key -> new Node());
      }
      node.token = added;
    }
  }

  AddedTokens(Collection<AddedToken> tokens) {
    for (AddedToken token : tokens) {
      if (token.normalized()) {
        String content = Characters.lower(TextRepair.clean(token.content()));
        if (!content.isEmpty()) {
          normalized.add(content, token);
        }
      } else {
        typed.add(token.content(), token);
      }
    }
  }

  /** Splits a text into tokens and what is between them. */
  List<Part> split(String text) {
    List<Part> parts = new ArrayList<>();
    for (Part part : split(typed, text, false)) {
      if (part.id >= 0 || normalized.next.isEmpty()) {
        parts.add(part);
        continue;
      }
      String clean = ClipWords.clean(part.text);
      List<Part> found = split(normalized, clean, true);
      parts.addAll(found.size() == 1 && found.get(0).id < 0 ? List.of(part) : found);
    }
    return parts;
  }

  private static List<Part> split(Node root, String text, boolean clean) {
    List<Part> parts = new ArrayList<>();
    int done = 0;
    for (int i = 0; i < text.length(); ) {
      AddedToken found = null;
      int end = i;
      Node node = root;
      for (int at = i; node != null; at++) {
        if (node.token != null) {
          found = node.token;
          end = at;
        }
        node = at < text.length() ? node.next.get(text.charAt(at)) : null;
      }
      if (found == null) {
        i++;
        continue;
      }
      if (!found.singleWord() || isWord(text, i, end)) {
        if (done < i) {
          parts.add(new Part(-1, text.substring(done, i), clean));
        }
        parts.add(new Part(found.id(), "", clean));
        done = end;
      }
      i = end;
    }
    if (done < text.length()) {
      parts.add(new Part(-1, text.substring(done), clean));
    }
    return parts;
  }

  private static boolean isWord(String text, int start, int end) {
    return (start == 0 || !isPartOfWord(text.codePointBefore(start)))
        && (end == text.length() || !isPartOfWord(text.codePointAt(end)));
  }

  /** What {@code \w} is to the library. */
  private static boolean isPartOfWord(int c) {
    return Character.isAlphabetic(c)
        || switch (Character.getType(c)) {
          case Character.DECIMAL_DIGIT_NUMBER,
              Character.CONNECTOR_PUNCTUATION,
              Character.NON_SPACING_MARK,
              Character.ENCLOSING_MARK,
              Character.COMBINING_SPACING_MARK ->
              true;
          default -> c == 0x200c || c == 0x200d;
        };
  }
}
