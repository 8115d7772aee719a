/** The subcommands of Evaluate and the study of LinearProbe, with their reports. */
package org.clip4j.examples.app.evaluate;
