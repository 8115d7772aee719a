package org.clip4j;

/**
 * Holds an {@link UnknownRule} fitted to a held-out set, and what it does there.
 *
 * @param rule give it to {@link ZeroShotClassifier#withUnknown}
 * @param falseAcceptRate share of the unknown images that it takes for known: at most the one asked
 *     for
 * @param trueAcceptRate share of the known images that it takes for known
 * @param auroc area under the ROC curve of the rule's score: the probability that a known image has
 *     a higher one than an unknown image, ties counting half
 * @param known how many images showed one of the labels
 * @param unknown how many showed none
 */
public record UnknownFit(
    UnknownRule rule,
    double falseAcceptRate,
    double trueAcceptRate,
    double auroc,
    int known,
    int unknown) {}
