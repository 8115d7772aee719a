package org.clip4j.engine;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import org.junit.jupiter.api.Test;

class PrecisionTest {
  @Test
  void tf32_asks_for_its_environment_variable() {
    assertThatThrownBy(() -> Precision.TF32.requireOn(Device.gpu(0), null))
        .hasMessageContaining("TORCH_ALLOW_TF32_CUBLAS_OVERRIDE=1")
        .hasMessageContaining("found null");
    Precision.TF32.requireOn(Device.gpu(0), "1");
    Precision.BF16.requireOn(Device.cpu(), null);
  }
}
