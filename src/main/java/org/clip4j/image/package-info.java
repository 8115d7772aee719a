/**
 * Image files to the pixels a model sees, equal to those that Pillow and torchvision give.
 *
 * <p>{@link org.clip4j.image.ImageDecoder} makes an upright {@link org.clip4j.image.RgbImage} of a
 * file or of an image in memory: JPEG by libjpeg-turbo where it is installed, otherwise as GIF, BMP
 * and PNG through the JDK's readers, so that no colour management interferes; TIFF through
 * TwelveMonkeys'; WebP by our own decoders of its two kinds. {@link
 * org.clip4j.image.ImageTransform} then resizes and crops as the checkpoint asks, value for value,
 * to planar 8-bit levels, which the engine normalises.
 */
@NullMarked
package org.clip4j.image;

import org.jspecify.annotations.NullMarked;
