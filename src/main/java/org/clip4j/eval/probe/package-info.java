/**
 * Fits linear classifiers to frozen embeddings: {@link org.clip4j.eval.probe.LinearProbe} with the
 * strength of its regularisation chosen on validation images, {@link org.clip4j.eval.probe.FewShot}
 * from a few images of each class. Underneath is one {@link
 * org.clip4j.eval.probe.LogisticRegression} by L-BFGS. What they answer is measured as any other
 * classifier's is, in {@link org.clip4j.eval}.
 */
@NullMarked
package org.clip4j.eval.probe;

import org.jspecify.annotations.NullMarked;
