/**
 * Watches a training for the loop: evaluations, the diagnosis of what goes wrong, and the files
 * that a run leaves for people to look at. {@link
 * org.clip4j.train.internal.monitor.TrainingMonitor} is the entry.
 */
@NullMarked
package org.clip4j.train.internal.monitor;

import org.jspecify.annotations.NullMarked;
