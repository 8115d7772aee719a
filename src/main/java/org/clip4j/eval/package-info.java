/**
 * How good a model is: retrieval among pairs, zero-shot classification, and linear probes on frozen
 * embeddings, of many labelled images or few. The counting works on plain vectors, so that it can
 * be checked by hand; {@link org.clip4j.encode.Encoder} makes them.
 */
@NullMarked
package org.clip4j.eval;

import org.jspecify.annotations.NullMarked;
