/**
 * How good a model is: retrieval among pairs, and zero-shot classification. The counting works on
 * plain vectors, so that it can be checked by hand; {@link org.clip4j.eval.Encoder} makes them.
 */
package org.clip4j.eval;
