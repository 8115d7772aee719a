/**
 * Nearest neighbours over embeddings.
 *
 * <p>{@link org.clip4j.search.LuceneIndex} keeps embeddings under ids with fields to filter by, is
 * changed while others search, and finds the most similar by a graph; {@link
 * org.clip4j.search.ExactIndex} compares a query with every row. Both check every byte when they
 * are opened, so that damage is an error and never a wrong answer.
 *
 * <p>{@link org.clip4j.search.EmbeddingWriter} keeps embeddings with the names of what they are of,
 * as {@code .npy} shards that NumPy reads, and goes on where an interrupted one stopped; {@link
 * org.clip4j.search.Embeddings} reads them.
 */
@NullMarked
package org.clip4j.search;

import org.jspecify.annotations.NullMarked;
