/**
 * Turns pairs into batches for training: {@link org.clip4j.data.internal.loader.PairLoader} has
 * pairs decoded and augmented ahead on threads of its own, and gives the same batches whatever
 * their timing.
 */
@NullMarked
package org.clip4j.data.internal.loader;

import org.jspecify.annotations.NullMarked;
