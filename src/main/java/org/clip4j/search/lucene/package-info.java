/**
 * The index: {@link org.clip4j.search.lucene.LuceneIndex} keeps embeddings under ids with fields to
 * filter by, in Apache Lucene's files, is changed while others search, and finds the most similar
 * by a graph. Every byte is checked when it is opened, so that damage is an error and never a wrong
 * answer.
 */
@NullMarked
package org.clip4j.search.lucene;

import org.jspecify.annotations.NullMarked;
