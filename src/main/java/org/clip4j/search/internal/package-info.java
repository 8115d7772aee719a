/** Checks that both kinds of index share. */
@NullMarked
package org.clip4j.search.internal;

import org.jspecify.annotations.NullMarked;
