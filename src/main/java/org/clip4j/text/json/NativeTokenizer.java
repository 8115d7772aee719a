package org.clip4j.text.json;

import ai.djl.huggingface.tokenizers.jni.LibUtils;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.clip4j.io.IoErrors;
import org.clip4j.text.internal.Characters;

/**
 * A tokenizer in the native library ({@code tokenizers} in Rust, through DJL). It is not taken
 * through DJL's {@code HuggingFaceTokenizer}: that reports its use to a server, and fetches seven
 * arrays for each text where one is wanted.
 *
 * <p>Any number of threads may encode; closing waits for them.
 */
final class NativeTokenizer implements AutoCloseable {
  private static final String FLAVOR = "RUST_FLAVOR";

  private final ReadWriteLock lock = new ReentrantReadWriteLock();
  private long handle;

  private NativeTokenizer(long handle) {
    this.handle = handle;
  }

  /** Loads the library once, from the jar and never from the network. */
  private static final class Library {
    static final TokenizersLibrary LIB = load();

    private static TokenizersLibrary load() {
      // With a GPU, DJL would download a build for it. That build differs in what is not used here.
      boolean chosen = System.getenv(FLAVOR) != null || System.getProperty(FLAVOR) != null;
      if (!chosen) {
        System.setProperty(FLAVOR, "cpu");
      }
      try {
        LibUtils.checkStatus();
        return TokenizersLibrary.LIB;
      } finally {
        if (!chosen) {
          System.clearProperty(FLAVOR);
        }
      }
    }
  }

  /**
   * Makes one.
   *
   * @param json checked: some mistakes in it would end the process
   * @throws IllegalArgumentException if the library refuses it, or would panic at half a surrogate
   *     pair
   * @throws IllegalStateException if the library cannot be loaded
   */
  static NativeTokenizer of(String json) {
    TokenizersLibrary library;
    try {
      library = Library.LIB;
    } catch (LinkageError | RuntimeException e) {
      throw new IllegalStateException(
          "the native library for tokenizer.json cannot be loaded; the jar"
              + " ai.djl.huggingface:tokenizers has it for Linux (x86-64, aarch64; glibc 2.34 or"
              + " newer), macOS (aarch64) and Windows (x86-64)",
          e);
    }
    if (!Characters.isWellFormed(json)) {
      throw new IllegalArgumentException("it has half a surrogate pair");
    }
    try {
      return new NativeTokenizer(library.createTokenizerFromString(json));
    } catch (RuntimeException e) {
      throw new IllegalArgumentException(IoErrors.message(e), e);
    }
  }

  /** The tokens of a text, none added around it. */
  long[] encode(String text) {
    Lock reading = lock.readLock();
    reading.lock();
    try {
      if (handle == 0) {
        throw new IllegalStateException("the tokenizer is closed");
      }
      long encoding = Library.LIB.encode(handle, text, false);
      try {
        return Library.LIB.getTokenIds(encoding);
      } finally {
        Library.LIB.deleteEncoding(encoding);
      }
    } finally {
      reading.unlock();
    }
  }

  @Override
  public void close() {
    Lock writing = lock.writeLock();
    writing.lock();
    try {
      if (handle != 0) {
        Library.LIB.deleteTokenizer(handle);
        handle = 0;
      }
    } finally {
      writing.unlock();
    }
  }
}
