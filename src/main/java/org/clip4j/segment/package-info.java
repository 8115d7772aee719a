/**
 * Says where in an image something is: masks of what a text names, or of what an example image
 * shows ({@link org.clip4j.segment.ClipSegmenter}), by a decoder beside a CLIP model that never saw
 * a list of classes.
 */
@NullMarked
package org.clip4j.segment;

import org.jspecify.annotations.NullMarked;
