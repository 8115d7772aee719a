/**
 * Nearest neighbours over embeddings.
 *
 * <p>{@link org.clip4j.search.ExactIndex} compares a query with every vector; {@link
 * org.clip4j.search.ApproximateIndex} follows a graph and looks at a small part of them. Both are
 * added to, saved to a folder and opened from there again, mapped; every file has a checksum, so
 * that damage is an error and never a wrong answer.
 *
 * <p>{@link org.clip4j.search.EmbeddingWriter} keeps embeddings with the names of what they are of,
 * as {@code .npy} shards that NumPy reads, and goes on where an interrupted one stopped; {@link
 * org.clip4j.search.Embeddings} reads them.
 */
package org.clip4j.search;
