/** What the packages of data share: what tells one set of pairs from another. */
@NullMarked
package org.clip4j.data.internal;

import org.jspecify.annotations.NullMarked;
