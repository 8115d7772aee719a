/** What training minimises, and the cosine similarities that it and the classifier are made of. */
@NullMarked
package org.clip4j.loss;

import org.jspecify.annotations.NullMarked;
