/**
 * How the work of a training step is given to other processes: the batch is cut into parts, each
 * part is embedded where its worker is, and the gradients of the loss over the whole batch are sent
 * back through it there. For adapters of distributed engines, such as {@code org.clip4j.spark};
 * what trains a model on one machine needs none of it.
 */
@NullMarked
package org.clip4j.train.workers;

import org.jspecify.annotations.NullMarked;
