/**
 * Checkpoints on disk: what a publisher's folder holds becomes a configuration, a transform and
 * parameters under OpenCLIP's names, and goes back again bit for bit.
 *
 * <p>{@link org.clip4j.weights.Checkpoint} is the way in. Below it, a {@link
 * org.clip4j.weights.tensors.TensorFile} is a file of named tensors, safetensors, PyTorch's or a
 * set of either, and {@code KeyMap} says which stored tensors make up which parameter; there is one
 * map per publisher and it serves both loading and saving. Values go from the file straight into a
 * model's memory. Files are treated as hostile: nothing in them is executed, sizes they claim are
 * checked before anything is allocated, and they are only ever replaced by complete ones.
 */
@NullMarked
package org.clip4j.weights;

import org.jspecify.annotations.NullMarked;
