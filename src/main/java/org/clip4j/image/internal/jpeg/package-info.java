/**
 * Decodes JPEG as libjpeg and Pillow do: {@link org.clip4j.image.internal.jpeg.JpegFile} walks the
 * markers and asks libjpeg-turbo, where it is installed, or the JDK for the rest.
 */
@NullMarked
package org.clip4j.image.internal.jpeg;

import org.jspecify.annotations.NullMarked;
