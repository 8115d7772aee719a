package org.clip4j;

/**
 * Gives the probability from which a label holds, fitted to examples, and what it does on them.
 *
 * @param threshold that maximises F1; of several the lowest
 * @param precision share of the images given the label that show it
 * @param recall share of the images that show the label that are given it
 * @param f1 harmonic mean of the two
 * @param positives how many examples show the label
 * @param negatives how many do not
 */
public record LabelThreshold(
    String label,
    double threshold,
    double precision,
    double recall,
    double f1,
    int positives,
    int negatives) {}
