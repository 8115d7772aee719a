package org.clip4j.springai;

/** Is told of each call of a {@link ClipEmbeddingModel} that has ended, on the caller's thread. */
@FunctionalInterface
interface CallListener {

  /**
   * Takes note of a call.
   *
   * @param input "image" or "text"
   * @param count how many of them
   * @param failure null if there are embeddings
   */
  void ended(String input, int count, long nanos, Throwable failure);
}
