package org.clip4j.train.internal.step;

import ai.djl.ndarray.NDArray;
import com.google.gson.JsonObject;
import java.util.Map;
import org.clip4j.train.internal.checkpoint.StatefulPart;

/**
 * The factor that keeps small gradients from vanishing in half precision (Micikevicius et al. 2018,
 * "Mixed Precision Training"; the rules of PyTorch's {@code GradScaler}): it doubles after 2000
 * steps with finite gradients and halves after one without, which is skipped.
 */
final class LossScaler implements StatefulPart {
  private static final double INITIAL = 65536;
  private static final double GROWTH = 2;
  private static final double BACKOFF = 0.5;
  private static final int GROWTH_INTERVAL = 2000;

  private double scale = INITIAL;
  private int cleanSteps;

  /** What the gradients are to be multiplied by. */
  double scale() {
    return scale;
  }

  /**
   * Learns from a step.
   *
   * @param finite whether all gradients were
   * @return whether training can go on: not if gradients are not finite even without a factor
   */
  boolean update(boolean finite) {
    if (!finite) {
      if (scale < 1) {
        return false; // half precision is not the cause
      }
      scale *= BACKOFF;
      cleanSteps = 0;
      return true;
    }
    cleanSteps++;
    if (cleanSteps == GROWTH_INTERVAL) {
      scale = Math.min(scale * GROWTH, Float.MAX_VALUE);
      cleanSteps = 0;
    }
    return true;
  }

  @Override
  public String stateName() {
    return "loss_scaler";
  }

  @Override
  public Map<String, NDArray> tensors() {
    return Map.of();
  }

  @Override
  public JsonObject scalars() {
    JsonObject json = new JsonObject();
    json.addProperty("scale", scale);
    json.addProperty("clean_steps", cleanSteps);
    return json;
  }

  @Override
  public void restoreScalars(JsonObject scalars) {
    double savedScale = StatefulPart.number(scalars, "scale");
    long savedSteps = StatefulPart.count(scalars, "clean_steps");
    if (!(savedScale > 0 && savedScale <= Float.MAX_VALUE)) {
      throw new IllegalArgumentException("scale must be above 0, found " + savedScale);
    }
    if (savedSteps >= GROWTH_INTERVAL) {
      throw new IllegalArgumentException(
          "clean_steps must be from 0 to " + (GROWTH_INTERVAL - 1) + ", found " + savedSteps);
    }
    scale = savedScale;
    cleanSteps = (int) savedSteps;
  }
}
