/**
 * Nearest neighbours over embeddings.
 *
 * <p>{@link org.clip4j.search.ExactIndex} compares a query with every row, and checks every byte
 * when it is opened. The index that filters, changes and finds by a graph is {@link
 * org.clip4j.search.lucene.LuceneIndex}.
 *
 * <p>{@link org.clip4j.search.EmbeddingWriter} keeps embeddings with the names of what they are of,
 * as {@code .npy} shards that NumPy reads, and goes on where an interrupted one stopped; {@link
 * org.clip4j.search.Embeddings} reads them.
 */
@NullMarked
package org.clip4j.search;

import org.jspecify.annotations.NullMarked;
