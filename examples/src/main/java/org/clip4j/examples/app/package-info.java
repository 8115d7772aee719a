/**
 * The applications behind the examples, a room for each; what their mains would not be read for.
 */
package org.clip4j.examples.app;
