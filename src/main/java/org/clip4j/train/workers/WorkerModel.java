package org.clip4j.train.workers;

import java.io.Serializable;
import java.util.List;
import java.util.Map;
import org.clip4j.engine.Precision;
import org.clip4j.image.ImageTransform;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.LoraAdapter;
import org.jspecify.annotations.Nullable;

/**
 * Holds what a worker makes its copy of a model of.
 *
 * @param values of parameters and buffers by name, without an adapter's
 * @param adapter that is trained; null where the weights themselves are
 * @param trained names of the towers' trained parameters, the image tower's first
 * @param trainedValues how many values these have
 * @param precision of matrix products
 * @param transform says how pixels are normalised
 */
public record WorkerModel(
    ClipConfig config,
    Map<String, float[]> values,
    @Nullable LoraAdapter adapter,
    List<String> trained,
    int trainedValues,
    Precision precision,
    ImageTransform transform)
    implements Serializable {}
