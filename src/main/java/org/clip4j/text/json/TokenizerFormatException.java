package org.clip4j.text.json;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Reports that a tokenizer's file cannot be used: it is damaged, of a kind that is not supported,
 * or made to do harm. The message names the file and what is wrong with it.
 */
public final class TokenizerFormatException extends IOException {

  TokenizerFormatException(String message) {
    super(message);
  }

  TokenizerFormatException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
