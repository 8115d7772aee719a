/**
 * Trains a model: {@link org.clip4j.train.ClipTrainer} and the loop around the steps. The {@code
 * options} say how; listeners in {@code monitor} hear what happens. Inside, {@code internal.step}
 * changes the weights, {@code internal.checkpoint} saves and resumes, and {@code internal.monitor}
 * watches.
 */
@NullMarked
package org.clip4j.train;

import org.jspecify.annotations.NullMarked;
