/**
 * The floor that every other package stands on: what went wrong with a file, in words; names of
 * files whatever the locale; the name that one may have meant; files that replace others whole,
 * checked JSON, checksums and locked folders; random numbers of a seed; waiting that loses no
 * interrupt; and threads that keep no process alive. It is public for its neighbours only, and no
 * part of the API.
 */
@NullMarked
package org.clip4j.io;

import org.jspecify.annotations.NullMarked;
