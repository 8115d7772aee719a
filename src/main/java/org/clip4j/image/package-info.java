/**
 * Image files to the pixels a model sees: decoding, and the validation transform (resize, centre
 * crop) that agrees with Pillow's on every value.
 */
package org.clip4j.image;
