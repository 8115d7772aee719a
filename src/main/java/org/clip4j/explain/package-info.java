/**
 * Shows why: which parts of an image and which tokens of a text their similarity comes from ({@link
 * org.clip4j.explain.Explainer}), and what an encoder computes on the way, as arrays of floats.
 */
@NullMarked
package org.clip4j.explain;

import org.jspecify.annotations.NullMarked;
