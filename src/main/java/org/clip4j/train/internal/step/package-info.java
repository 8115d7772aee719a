/**
 * Takes one step of a training: the gradients of the loss over a batch of any size, AdamW, the loss
 * scale of half precision, copies on several devices, and the average of the weights. {@link
 * org.clip4j.train.internal.step.TrainingStep} is the entry.
 */
@NullMarked
package org.clip4j.train.internal.step;

import org.jspecify.annotations.NullMarked;
