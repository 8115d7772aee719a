/** A training as the command line shows it, and what the Quickstart shows of its model. */
package org.clip4j.examples.app.train;
