package org.clip4j.train.options;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ScheduleOptionsTest {
  private static final Map<String, ScheduleOptions> SCHEDULES =
      Map.of(
          "cosine", schedule(7, LearningRateDecay.cosine()),
          "cosine without warm-up", schedule(0, LearningRateDecay.cosine()),
          "constant", schedule(7, LearningRateDecay.constant()),
          "cooldown", schedule(7, LearningRateDecay.constantWithCooldown(12)),
          "cooldown, power 2, to 1e-5",
              schedule(7, LearningRateDecay.constantWithCooldown(12, 2, 1e-5)));

  private static ScheduleOptions schedule(long warmup, LearningRateDecay decay) {
    return new ScheduleOptions(3e-4, warmup, decay);
  }

  @Test
  void every_step_has_the_learning_rate_of_open_clip_train() throws IOException {
    String json = Files.readString(Path.of("src/test/resources/step/peers.json"));
    JsonObject expected =
        JsonParser.parseString(json).getAsJsonObject().getAsJsonObject("schedules");
    assertThat(expected.keySet()).isEqualTo(SCHEDULES.keySet());
    for (String name : expected.keySet()) {
      JsonArray rates = expected.getAsJsonArray(name);
      assertThat(rates).hasSize(40);
      for (int step = 0; step < 40; step++) {
        assertThat(SCHEDULES.get(name).rate(step, 40))
            .as(name + " at step " + step)
            .isCloseTo(rates.get(step).getAsDouble(), within(1e-15));
      }
    }
  }

  @Test
  void cooldowns_out_of_range_are_named() {
    assertThatThrownBy(() -> LearningRateDecay.constantWithCooldown(0))
        .hasMessageContaining("cooldown steps")
        .hasMessageContaining("0");
    assertThatThrownBy(() -> LearningRateDecay.constantWithCooldown(5, 0, 0))
        .hasMessageContaining("power");
    assertThatThrownBy(() -> LearningRateDecay.constantWithCooldown(5, 1, -1e-3))
        .hasMessageContaining("-0.001");
  }
}
