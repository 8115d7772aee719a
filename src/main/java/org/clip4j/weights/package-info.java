/**
 * Checkpoints on disk: what a publisher's folder holds becomes a configuration, a transform and
 * parameters under OpenCLIP's names, and goes back again bit for bit.
 *
 * <p>{@link org.clip4j.weights.Checkpoint} is the way in. Below it, {@link
 * org.clip4j.weights.SafeTensors} maps a file of tensors and {@link org.clip4j.weights.KeyMap} says
 * which stored tensors make up which parameter; there is one map per publisher and it serves both
 * loading and saving. Files are treated as hostile until their headers are checked, and are only
 * ever replaced by complete ones.
 */
package org.clip4j.weights;
