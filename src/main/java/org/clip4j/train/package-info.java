/** Training: the step, the optimizer and its schedule, and the loop around them. */
@NullMarked
package org.clip4j.train;

import org.jspecify.annotations.NullMarked;
