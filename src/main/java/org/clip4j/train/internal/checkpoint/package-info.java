/**
 * Brings a training back: the folder {@code checkpoints} of a run, what each checkpoint in it
 * holds, when one is due and which are kept, and whether a resumed training is the one that was
 * saved. {@link org.clip4j.train.internal.checkpoint.SaveAndResume} is the entry.
 */
@NullMarked
package org.clip4j.train.internal.checkpoint;

import org.jspecify.annotations.NullMarked;
