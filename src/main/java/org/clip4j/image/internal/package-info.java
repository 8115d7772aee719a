/** Holds what the image decoders share: sizes checked ahead, and rasters of any layout to RGB. */
@NullMarked
package org.clip4j.image.internal;

import org.jspecify.annotations.NullMarked;
