/**
 * Decodes WebP of both kinds, lossy (VP8) and lossless (VP8L), in Java alone: {@link
 * org.clip4j.image.internal.webp.WebpFile} is the way in.
 */
@NullMarked
package org.clip4j.image.internal.webp;

import org.jspecify.annotations.NullMarked;
