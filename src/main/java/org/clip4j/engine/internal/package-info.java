/**
 * The only package that touches DJL's PyTorch engine: kernels in TorchScript, gradient recording
 * and native memory.
 *
 * <p>DJL's own operations reach a part of PyTorch. A TorchScript module reaches every operator,
 * with autograd, and keeps its temporaries in native memory only as long as they are needed; so
 * whole blocks of the model are written as TorchScript source, compiled in memory, and called with
 * one crossing of the language border each.
 */
@NullMarked
package org.clip4j.engine.internal;

import org.jspecify.annotations.NullMarked;
