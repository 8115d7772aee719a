/**
 * CLIP models as Spring AI's {@code EmbeddingModel}, for texts and images in one space. Needs
 * {@code org.springframework.ai:spring-ai-model}, 1.1 or 2.0, which the application brings: this
 * library does not depend on it otherwise.
 */
@NullMarked
package org.clip4j.springai;

import org.jspecify.annotations.NullMarked;
