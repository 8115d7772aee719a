/** Training: the step, the optimizer and its schedule, and the loop around them. */
package org.clip4j.train;
