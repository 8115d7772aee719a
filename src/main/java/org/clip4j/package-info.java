/**
 * The front door: {@link org.clip4j.Clip} loads a model and encodes, {@link
 * org.clip4j.ZeroShotClassifier} turns labels and prompts into a classifier. Everything else is one
 * package further down.
 */
@NullMarked
package org.clip4j;

import org.jspecify.annotations.NullMarked;
