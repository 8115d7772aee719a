package org.clip4j.model;

/**
 * The architecture of a CLIP model, in the vocabulary of OpenCLIP's {@code model_cfg}.
 *
 * @param embedDim E, the width of the shared embedding space
 * @param vision the image tower
 * @param text the text tower
 * @param quickGelu whether activations are x * sigmoid(1.702 x), as in OpenAI's models, and not
 *     GELU
 */
public record ClipConfig(int embedDim, VisionConfig vision, TextConfig text, boolean quickGelu) {}
