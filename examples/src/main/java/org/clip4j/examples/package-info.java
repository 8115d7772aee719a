/**
 * Command-line programs that show what clip4j does, each a main class with {@code --help}, started
 * by {@code examples/run NAME}. They use the library as any application would and may be copied
 * from. Options that several share are in {@code options}, and what is an application of its own
 * (reports, evaluations, the search page) is in {@code app}.
 */
package org.clip4j.examples;
