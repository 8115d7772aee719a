/**
 * The floor that every other package stands on: what went wrong with a file, in words; names of
 * files whatever the locale; and the name that one may have meant.
 */
@NullMarked
package org.clip4j.io;

import org.jspecify.annotations.NullMarked;
