/**
 * The floor that every other package stands on: what went wrong with a file, in words; names of
 * files whatever the locale; and the name that one may have meant.
 */
package org.clip4j.io;
