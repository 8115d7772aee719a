/**
 * Makes checkpoints whose weights are 8-bit integers, and measures what that costs before it writes
 * one.
 */
@NullMarked
package org.clip4j.quantize;

import org.jspecify.annotations.NullMarked;
