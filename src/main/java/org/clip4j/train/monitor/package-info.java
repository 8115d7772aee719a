/**
 * What a user sees of a training: {@link org.clip4j.train.monitor.TrainingListener} and what it
 * hears, what was found wrong, and what was measured.
 */
@NullMarked
package org.clip4j.train.monitor;

import org.jspecify.annotations.NullMarked;
