/** Averages of models' weights: one model of two or more, and what it is good for. */
package org.clip4j.examples.app.average;
