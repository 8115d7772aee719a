package org.clip4j.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.List;
import org.clip4j.eval.AlphaSweep.Accuracies;
import org.clip4j.eval.AlphaSweep.Measured;
import org.clip4j.eval.AlphaSweep.Point;
import org.clip4j.eval.AlphaSweep.Rule;
import org.clip4j.image.ImageTransform;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipModel;
import org.clip4j.model.ParameterSource;
import org.clip4j.weights.Checkpoint;
import org.clip4j.weights.CheckpointWriter;
import org.clip4j.weights.Layout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AlphaSweepTest {
  private static Point point(double alpha, double target, double shift) {
    // Test accuracies that would choose otherwise.
    return new Point(alpha, new Accuracies(target, shift), new Accuracies(1 - target, 1 - shift));
  }

  @Test
  void alpha_is_chosen_by_validation_alone_and_the_smaller_of_equals() {
    AlphaSweep sweep =
        new AlphaSweep(
            List.of(
                point(0, 0.5, 0.9),
                point(0.3, 0.7, 0.85),
                point(0.6, 0.8, 0.7),
                point(1, 0.8, 0.4)));
    assertThat(sweep.best(Rule.TARGET).alpha()).isEqualTo(0.6);
    assertThat(sweep.best(Rule.MEAN).alpha()).isEqualTo(0.3);
  }

  @Test
  void each_alpha_is_measured_once_with_the_weights_between_the_two(@TempDir Path folder)
      throws IOException {
    String name = "logit_scale";
    try (Checkpoint base = checkpoint(folder.resolve("base"), 1);
        Checkpoint tuned = checkpoint(folder.resolve("tuned"), 3)) {
      AlphaSweep sweep =
          AlphaSweep.run(
              base,
              tuned,
              List.of(1.0, 0.0, 0.25, 1.0),
              model -> {
                double value = model.parameters().read(name).get();
                return new Measured(new Accuracies(value, 0), new Accuracies(0, value));
              });
      assertThat(sweep.points()).containsExactly(between(0, 1), between(0.25, 1.5), between(1, 3));
      assertThatThrownBy(() -> AlphaSweep.run(base, tuned, List.of(), model -> null))
          .hasMessageContaining("at least one alpha");
    }
  }

  private static Point between(double alpha, double value) {
    return new Point(alpha, new Accuracies(value, 0), new Accuracies(0, value));
  }

  private static Checkpoint checkpoint(Path folder, float logitScale) throws IOException {
    ClipConfig config = ClipConfig.named("ViT-Ti-8-64");
    try (ClipModel model = ClipModel.create(config, 0)) {
      ParameterSource values =
          name ->
              name.equals("logit_scale")
                  ? FloatBuffer.wrap(new float[] {logitScale})
                  : model.values().read(name);
      CheckpointWriter.of(config, ImageTransform.openai(64, 64), values)
          .write(folder, Layout.OPENCLIP);
    }
    return Checkpoint.open(folder);
  }

  @Test
  void a_sweep_needs_ascending_alphas() {
    assertThatThrownBy(() -> new AlphaSweep(List.of())).hasMessageContaining("at least one");
    assertThatThrownBy(() -> new AlphaSweep(List.of(point(0.5, 0, 0), point(0.5, 0, 0))))
        .hasMessageContaining("ascend");
  }
}
