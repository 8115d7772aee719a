package org.clip4j.model;

import org.clip4j.engine.internal.LinearLayout.Operation;

/**
 * A linear map that is laid out for inference. Its weight and its bias are named by its own name
 * and {@code weight} or {@code bias}; a map without a bias gets one of zeros.
 *
 * @param of the declared map whose rows these are
 * @param operation what it is used for
 * @param activated whether its inputs come from an activation
 * @param scale name of the parameter that its outputs are multiplied by, if there is such a one
 */
record LaidMap(
    String name,
    String of,
    long from,
    long to,
    Operation operation,
    boolean activated,
    String scale) {}
