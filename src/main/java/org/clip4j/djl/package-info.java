/**
 * CLIP models where DJL's {@code Criteria} load models: {@link org.clip4j.djl.ClipZoo} finds a
 * checkpoint, {@link org.clip4j.djl.ClipTranslators} make of it predictors of embeddings and of
 * {@code Classifications}. For applications that are built on DJL's interfaces; all others are
 * served by {@link org.clip4j.Clip}, which does the work here too.
 */
@NullMarked
package org.clip4j.djl;

import org.jspecify.annotations.NullMarked;
