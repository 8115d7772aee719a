/**
 * What inference is made of: images and where they come from, the encoder that decodes ahead and
 * runs the towers in batches, prompts of classes, and the class weights of a zero-shot classifier.
 */
@NullMarked
package org.clip4j.encode;

import org.jspecify.annotations.NullMarked;
