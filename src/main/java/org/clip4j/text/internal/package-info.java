/** Encodes text as OpenAI's tokenizer does; both kinds of tokenizer use it. */
@NullMarked
package org.clip4j.text.internal;

import org.jspecify.annotations.NullMarked;
