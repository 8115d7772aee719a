/**
 * Command-line programs that show what clip4j does, each a main class with {@code --help}, started
 * by {@code examples/run NAME}. They use the library as any application would and may be copied
 * from; what they share ({@link org.clip4j.examples.HtmlReport}, {@link
 * org.clip4j.examples.Progress}) stays in this package.
 */
package org.clip4j.examples;
