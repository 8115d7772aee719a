/**
 * How good a model is: retrieval among pairs, zero-shot classification, shifted images, overlap of
 * data sets, and the measures of linear probes, which {@link org.clip4j.eval.probe} fits. The
 * counting works on plain vectors, so that it can be checked by hand; {@link
 * org.clip4j.encode.Encoder} makes them.
 */
@NullMarked
package org.clip4j.eval;

import org.jspecify.annotations.NullMarked;
