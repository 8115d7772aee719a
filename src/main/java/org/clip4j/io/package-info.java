/**
 * The floor that every other package stands on: what went wrong with a file, in words; names of
 * files whatever the locale; the name that one may have meant; and threads that keep no process
 * alive.
 */
@NullMarked
package org.clip4j.io;

import org.jspecify.annotations.NullMarked;
