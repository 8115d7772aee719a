/** Search over a folder that Embed filled: the index, its results as a page, and a server. */
package org.clip4j.examples.app.search;
