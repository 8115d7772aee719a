/**
 * What a user chooses of the engine: the {@link org.clip4j.engine.Precision} of its products. The
 * engine itself is internal.
 */
@NullMarked
package org.clip4j.engine;

import org.jspecify.annotations.NullMarked;
