package org.clip4j.figure;

import java.util.Set;

/**
 * Builds an element of HTML or SVG: its text and attributes are escaped as they are added, so that
 * a page built of these has no hole for markup in a caption or a file name.
 */
public final class Markup {
  /** Elements that have no content and no end tag. */
  private static final Set<String> VOID = Set.of("br", "hr", "img", "input", "link", "meta");

  private final String tag;
  private final StringBuilder start;
  private final StringBuilder content = new StringBuilder();

  private Markup(String tag) {
    this.tag = tag;
    this.start = new StringBuilder("<").append(tag);
  }

  /** Begins an element, with attributes given as name, value, name, value. */
  public static Markup of(String tag, String... attributes) {
    Markup element = new Markup(tag);
    for (int i = 0; i < attributes.length; i += 2) {
      element.attribute(attributes[i], attributes[i + 1]);
    }
    return element;
  }

  /** Adds an attribute, whose value is escaped. */
  public Markup attribute(String name, String value) {
    start.append(' ').append(name).append("=\"").append(escape(value)).append('"');
    return this;
  }

  /** Adds text, which is escaped. */
  public Markup text(String text) {
    content.append(escape(text));
    return this;
  }

  /** Adds finished elements. */
  public Markup add(Markup... children) {
    for (Markup child : children) {
      content.append(child);
    }
    return this;
  }

  /** Adds markup as it is: only for what a program wrote itself, such as a style sheet. */
  public Markup raw(String markup) {
    content.append(markup);
    return this;
  }

  /** Returns the element as text. */
  @Override
  public String toString() {
    return VOID.contains(tag) ? start + ">" : start + ">" + content + "</" + tag + ">\n";
  }

  /** Returns a text in which nothing is markup, to stand between tags or in an attribute. */
  public static String escape(String text) {
    StringBuilder out = new StringBuilder(text.length() + 16);
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '&' -> out.append("&amp;");
        case '<' -> out.append("&lt;");
        case '>' -> out.append("&gt;");
        case '"' -> out.append("&quot;");
        case '\'' -> out.append("&#39;");
        default -> out.append(c);
      }
    }
    return out.toString();
  }
}
