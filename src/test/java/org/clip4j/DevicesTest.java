package org.clip4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import java.util.List;
import org.junit.jupiter.api.Test;

class DevicesTest {

  @Test
  void the_cpu_comes_first_and_each_device_that_is_listed_is_given_back() {
    List<Device> devices = Devices.available();
    assertThat(devices.get(0)).isEqualTo(Device.cpu());
    assertThat(devices).allSatisfy(device -> assertThat(Devices.require(device)).isSameAs(device));
  }

  @Test
  void a_device_that_is_not_there_is_refused_with_what_there_is() {
    int devices = Devices.available().size();
    assertThatThrownBy(() -> Devices.require(Device.gpu(devices)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(
            devices == 1 ? "no CUDA device was found" : "the CUDA devices here are gpu0 to gpu");
  }
}
