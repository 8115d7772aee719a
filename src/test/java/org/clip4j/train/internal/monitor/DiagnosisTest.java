package org.clip4j.train.internal.monitor;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.clip4j.train.monitor.BatchStatistics;
import org.clip4j.train.monitor.Finding;
import org.clip4j.train.monitor.TrainingProgress;
import org.junit.jupiter.api.Test;

/** Each thing that can go wrong, in made-up numbers, and that healthy numbers stay silent. */
class DiagnosisTest {
  private static final double CHANCE = Math.log(128);
  private static final int WARMUP = 50;

  /** A step that nothing is wrong with, to be changed. */
  private static final class Step {
    double loss = 2;
    double norm = 1;
    double logitScale = 20;
    double dataWait = 0.01;
    double duplicates = 0.01;
    double imageCosine = 0.5;
    double textCosine = 0.6;

    TrainingProgress at(long step) {
      return new TrainingProgress(
          step,
          1000,
          0,
          1,
          (float) loss,
          1e-3,
          norm,
          (float) logitScale,
          500,
          Duration.ofSeconds(step),
          dataWait,
          new BatchStatistics(
              128,
              duplicates,
              duplicates > 0 ? "a dog" : null,
              3,
              CHANCE,
              step % 10 == 0 ? imageCosine : Double.NaN,
              step % 10 == 0 ? textCosine : Double.NaN),
          null);
    }
  }

  private interface Script {
    void set(Step step, long number);
  }

  private static List<Finding> run(long steps, boolean spread, Script script) {
    Diagnosis diagnosis = new Diagnosis(WARMUP, spread);
    List<Finding> findings = new ArrayList<>();
    for (long number = 1; number <= steps; number++) {
      Step step = new Step();
      script.set(step, number);
      findings.addAll(diagnosis.after(step.at(number)));
    }
    return findings;
  }

  private static Finding only(List<Finding> findings, String id) {
    assertThat(findings).extracting(Finding::id).containsExactly(id);
    return findings.get(0);
  }

  @Test
  void a_healthy_run_is_not_complained_about() {
    Random random = new Random(1);
    List<Finding> findings =
        run(
            1000,
            false,
            (step, number) -> {
              // From chance down to 0.5, with noise; the norm rises and falls; untrained at first.
              double progress = number / 1000.0;
              step.loss = 0.5 + (CHANCE - 0.5) * Math.exp(-5 * progress);
              step.loss *= 1 + 0.05 * random.nextGaussian();
              step.norm = (1 + 3 * progress) * Math.exp(0.4 * random.nextGaussian());
              step.logitScale = 14.3 + 60 * progress;
              step.textCosine = number < 100 ? 0.99 : 0.7;
              step.dataWait = number < 60 ? 0.9 : 0.1;
            });
    assertThat(findings).isEmpty();
  }

  @Test
  void a_loss_that_stays_at_chance_is_found_after_the_warm_up() {
    Random random = new Random(2);
    Finding finding =
        only(
            run(600, false, (step, n) -> step.loss = CHANCE + 0.01 * random.nextGaussian()),
            Diagnosis.LOSS_AT_CHANCE);
    assertThat(finding.step()).isBetween(WARMUP + 200L, WARMUP + 260L);
    assertThat(finding.message()).contains("ln(128)", "4.852");
    assertThat(finding.evidence().get("chance_loss")).isEqualTo(CHANCE);
    assertThat(finding.remedy()).contains("captions", "learning rate");
  }

  @Test
  void a_loss_that_leaves_chance_slowly_is_not_stuck() {
    assertThat(run(600, false, (step, n) -> step.loss = CHANCE * (1 - n * 1e-4))).isEmpty();
  }

  @Test
  void collapsed_embeddings_are_found_and_named() {
    Finding finding =
        only(run(400, false, (step, n) -> step.textCosine = 0.995), Diagnosis.EMBEDDINGS_COLLAPSED);
    assertThat(finding.message()).startsWith("The text embeddings").contains("0.995");
    assertThat(finding.evidence()).containsEntry("text_cosine", 0.995);
  }

  @Test
  void many_equal_captions_are_found_unless_they_are_spread() {
    Finding finding =
        only(run(60, false, (step, n) -> step.duplicates = 0.4), Diagnosis.DUPLICATE_CAPTIONS);
    assertThat(finding.step()).isEqualTo(20);
    assertThat(finding.message()).contains("40 %", "\"a dog\" stands 3 times");
    assertThat(finding.remedy()).contains("Spread the duplicates");
    assertThat(run(60, true, (step, n) -> step.duplicates = 0.4)).isEmpty();
  }

  @Test
  void a_logit_scale_that_rose_to_its_clamp_is_found_and_one_that_came_so_is_not() {
    Finding finding =
        only(
            run(400, false, (step, n) -> step.logitScale = Math.min(100, 14 + n)),
            Diagnosis.LOGIT_SCALE_AT_CLAMP);
    assertThat(finding.evidence()).containsEntry("first_logit_scale", 15.0);
    assertThat(run(400, false, (step, n) -> step.logitScale = 100)).isEmpty();
  }

  @Test
  void repeated_spikes_mean_that_the_learning_rate_is_too_high() {
    Finding finding =
        only(
            run(
                400,
                false,
                (step, n) -> {
                  step.norm = n > 100 && n % 20 == 0 ? 25 : 1;
                  step.loss = n > 100 && n % 20 == 0 ? 2.5 : 2;
                }),
            Diagnosis.LEARNING_RATE_TOO_HIGH);
    assertThat(finding.step()).isEqualTo(160);
    assertThat(finding.evidence())
        .containsEntry("spikes", 3.0)
        .containsEntry("gradient_norm", 25.0)
        .containsEntry("median_gradient_norm", 1.0);
    assertThat(finding.message()).contains("gradient norm of 25", "loss of 2.50");
    assertThat(finding.remedy()).contains("0.001,", "maximum gradient norm");
  }

  @Test
  void losses_far_above_the_median_are_spikes_whatever_the_norm() {
    only(
        run(400, false, (step, n) -> step.loss = n > 100 && n % 20 == 0 ? 3.2 : 2),
        Diagnosis.LEARNING_RATE_TOO_HIGH);
  }

  @Test
  void two_spikes_are_an_accident() {
    assertThat(run(400, false, (step, n) -> step.loss = n == 150 || n == 200 ? 9 : 2)).isEmpty();
  }

  @Test
  void a_norm_that_rises_as_the_loss_starts_to_fall_is_no_spike() {
    assertThat(
            run(
                200,
                false,
                (step, n) -> {
                  step.norm = n < 100 ? 0.03 : 0.8;
                  step.loss = n < 100 ? CHANCE : CHANCE - 0.02 * (n - 100);
                }))
        .isEmpty();
  }

  @Test
  void a_loss_that_stays_above_chance_has_diverged() {
    Finding finding =
        only(run(200, false, (step, n) -> step.loss = 9), Diagnosis.LEARNING_RATE_TOO_HIGH);
    assertThat(finding.message()).contains("above chance", "9.00", "4.85");
    assertThat(finding.step()).isEqualTo(WARMUP + 21);
  }

  @Test
  void waiting_for_data_is_found_when_it_lasts() {
    Finding finding =
        only(run(300, false, (step, n) -> step.dataWait = 0.45), Diagnosis.DATA_STARVATION);
    assertThat(finding.step()).isEqualTo(100);
    assertThat(finding.message()).contains("45 %");
    assertThat(finding.remedy()).contains("more decode threads");
    assertThat(run(300, false, (step, n) -> step.dataWait = n % 90 == 0 ? 0.1 : 0.45)).isEmpty();
  }

  @Test
  void what_is_not_finite_is_said_with_what_remains() {
    Finding finding =
        Diagnosis.notFinite(7, 3.5, Double.NaN, 0.5, null, "The last good checkpoint is c.", "");
    assertThat(finding.message())
        .contains("gradient norm became NaN at step 7", "before the weights", "checkpoint is c.");
    assertThat(
            Diagnosis.notFinite(7, Double.POSITIVE_INFINITY, Double.NaN, 0.5, null, "", "")
                .message())
        .contains("loss became Infinity");
  }
}
