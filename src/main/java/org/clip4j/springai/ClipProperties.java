package org.clip4j.springai;

import org.clip4j.engine.Precision;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Says what {@link ClipAutoConfiguration} loads.
 *
 * @param model {@code clip4j.model}: as for {@link org.clip4j.Clip#load(String)}, a model on the
 *     hub, a folder or a file
 * @param device {@code clip4j.device}: {@code cpu}, {@code gpu0} and so on
 * @param precision {@code clip4j.precision}: {@code fp32} or {@code bf16}
 */
@ConfigurationProperties("clip4j")
public record ClipProperties(
    String model, @DefaultValue("cpu") String device, @DefaultValue("fp32") Precision precision) {}
