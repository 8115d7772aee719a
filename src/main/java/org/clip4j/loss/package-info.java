/** What training minimises, and the cosine similarities that it and the classifier are made of. */
package org.clip4j.loss;
