/**
 * Runs the tokenizers of others than CLIP: SigLIP's, multilingual ones, BERT's. {@link
 * org.clip4j.text.json.TokenizerJson} reads and checks a {@code tokenizer.json} and hands it to the
 * Rust library {@code tokenizers}. What a model asks of a tokenizer beside its vocabulary are
 * {@link org.clip4j.text.json.TokenizerRules}.
 */
@NullMarked
package org.clip4j.text.json;

import org.jspecify.annotations.NullMarked;
