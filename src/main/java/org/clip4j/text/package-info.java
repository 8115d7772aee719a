/**
 * Text to token ids. {@link org.clip4j.text.ClipTokenizer} is CLIP's own: byte-level byte-pair
 * encoding with the text repair that OpenAI's tokenizer does before it. {@link
 * org.clip4j.text.TokenizerJson} is everybody else's: SigLIP's, multilingual ones, BERT's, from a
 * {@code tokenizer.json} that is read and checked here and then run by the Rust library {@code
 * tokenizers}. What a model asks of either beside its vocabulary are {@link
 * org.clip4j.text.TokenizerRules}.
 */
@NullMarked
package org.clip4j.text;

import org.jspecify.annotations.NullMarked;
