/**
 * CLIP models as LangChain4j's {@code EmbeddingModel}, for texts and images in one space. Needs
 * {@code dev.langchain4j:langchain4j-core}, which the application brings: this library does not
 * depend on it otherwise.
 */
@NullMarked
package org.clip4j.langchain4j;

import org.jspecify.annotations.NullMarked;
