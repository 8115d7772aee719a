/** Reports as HTML pages that need nothing beside them, and the figures that only they have. */
package org.clip4j.examples.app.report;
