/**
 * JMH benchmarks of single stages, such as tokenizing and preprocessing; {@code examples/run
 * Benchmark} runs them.
 */
package org.clip4j.examples.bench;
