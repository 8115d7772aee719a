/**
 * Says what a weight file of any format is: named tensors, each with a type and a shape, whose
 * values are read when they are asked for.
 */
@NullMarked
package org.clip4j.weights.tensors;

import org.jspecify.annotations.NullMarked;
