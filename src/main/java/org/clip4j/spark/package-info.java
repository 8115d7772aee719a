/**
 * CLIP models on Apache Spark: embedding, classifying, evaluating and training where the pictures
 * do not fit one machine. Spark moves the data and the results, and nothing distributed is this
 * library's own; each executor process loads a model once, and computes as a single machine does.
 * Needs {@code org.apache.spark:spark-mllib_2.13} 4.2, which a cluster has already: this library
 * does not depend on it otherwise.
 */
@NullMarked
package org.clip4j.spark;

import org.jspecify.annotations.NullMarked;
