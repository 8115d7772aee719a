/** The terminal: progress on its last line, and Ctrl-C as a wish to stop. */
package org.clip4j.examples.app.terminal;
