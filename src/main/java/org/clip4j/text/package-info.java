/**
 * Turns text into token ids. {@link org.clip4j.text.ClipTokenizer} is CLIP's own: byte-level
 * byte-pair encoding, after {@code text.internal.repair} has mended the text. {@code text.json} has
 * everybody else's tokenizers.
 */
@NullMarked
package org.clip4j.text;

import org.jspecify.annotations.NullMarked;
