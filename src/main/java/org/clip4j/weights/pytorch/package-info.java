/**
 * Reads what {@code torch.save} and {@code torch.jit.save} write: zip archives and pickles, in
 * which nothing is executed.
 */
@NullMarked
package org.clip4j.weights.pytorch;

import org.jspecify.annotations.NullMarked;
