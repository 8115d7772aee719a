/** Reads and writes safetensors files, whose headers are not trusted. */
@NullMarked
package org.clip4j.weights.safetensors;

import org.jspecify.annotations.NullMarked;
