package org.clip4j.search;

/**
 * Describes a row that a search found.
 *
 * @param row its number in the index, from 0 in the order in which rows were added
 * @param score its inner product with the query: the cosine similarity if both have unit length, as
 *     embeddings do
 */
public record Hit(int row, float score) {}
