/** Plain vectors with labels, and their inner products: what evaluation and its probes share. */
@NullMarked
package org.clip4j.eval.internal;

import org.jspecify.annotations.NullMarked;
