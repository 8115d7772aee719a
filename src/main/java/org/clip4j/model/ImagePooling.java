package org.clip4j.model;

/** Says how an image tower of patches makes one feature of its tokens. */
public enum ImagePooling {
  /** The class token. */
  TOK,
  /** The mean of the patches. */
  AVG
}
