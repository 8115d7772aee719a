/**
 * Image-text pairs, and the loader that feeds a training run with them.
 *
 * <p>A {@link org.clip4j.data.PairSource} gives pairs by index: from a table of file names and
 * captions ({@link org.clip4j.data.Pairs}), or generated ({@link org.clip4j.data.ColouredShapes}).
 * It holds text only; an {@link org.clip4j.data.ImageSource} is read when its turn comes. {@link
 * org.clip4j.data.PairLoader} shuffles the pairs anew each epoch, decodes images ahead on its own
 * threads and hands out {@link org.clip4j.data.PairBatch}es that depend on the seed alone, so that
 * a run can be repeated, and resumed from any {@link org.clip4j.data.LoaderPosition}.
 */
package org.clip4j.data;
