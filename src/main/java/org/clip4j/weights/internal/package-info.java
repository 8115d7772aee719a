/** Reads the numbers of weight files; the formats share it. */
@NullMarked
package org.clip4j.weights.internal;

import org.jspecify.annotations.NullMarked;
