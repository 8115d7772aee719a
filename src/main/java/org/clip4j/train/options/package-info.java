/**
 * Says how to train: immutable records of options, by subject, with their defaults. {@link
 * org.clip4j.train.ClipTrainer.Builder} takes them, and a run's checkpoints keep them.
 */
@NullMarked
package org.clip4j.train.options;

import org.jspecify.annotations.NullMarked;
