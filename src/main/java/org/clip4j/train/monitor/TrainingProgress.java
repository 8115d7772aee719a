package org.clip4j.train.monitor;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Says where a training stands after a step.
 *
 * @param step steps done, from 1
 * @param totalSteps steps in all
 * @param resumedAt steps done before this run took up the training; 0 if it began it
 * @param epoch passes over the data begun, from 1
 * @param loss of this step's batch
 * @param learningRate of this step
 * @param gradientNorm global L2 norm of this step's gradients, before any limit; not finite where
 *     half precision had the step skipped
 * @param logitScale after this step
 * @param samplesPerSecond pairs over the elapsed time, waiting for data included
 * @param elapsed since training began, earlier runs included; breaks between them and evaluations
 *     not
 * @param dataWait the share of the time of the last steps that was spent waiting for data, in [0,
 *     1]
 * @param batch what this step's batch was like
 * @param remaining the time that the remaining steps will take at the pace of this run's last
 *     steps; null while the first steps, which are slower, are all there is to tell by
 */
public record TrainingProgress(
    long step,
    long totalSteps,
    long resumedAt,
    int epoch,
    float loss,
    double learningRate,
    double gradientNorm,
    float logitScale,
    double samplesPerSecond,
    Duration elapsed,
    double dataWait,
    BatchStatistics batch,
    @Nullable Duration remaining) {}
