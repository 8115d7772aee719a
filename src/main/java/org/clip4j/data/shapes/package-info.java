/**
 * Draws pictures of coloured shapes with captions, for tests, examples and experiments: {@link
 * org.clip4j.data.shapes.ColouredShapes}.
 */
@NullMarked
package org.clip4j.data.shapes;

import org.jspecify.annotations.NullMarked;
