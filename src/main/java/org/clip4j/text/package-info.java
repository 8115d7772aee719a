/**
 * Text to token ids: CLIP's byte-level byte-pair encoding with the text repair that OpenAI's
 * tokenizer does before it.
 */
package org.clip4j.text;
