package org.clip4j.engine.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class ComputeThreadTest {

  @Test
  void models_on_the_cpu_compute_on_one_thread_which_ends_with_the_last_of_them() throws Exception {
    ComputeThread one = ComputeThread.of(Device.cpu());
    Thread thread = one.call(Thread::currentThread);
    try (ComputeThread other = ComputeThread.of(Device.cpu())) {
      assertThat(other.call(Thread::currentThread)).isSameAs(thread);
      one.close();
      one.close();
      assertThat(other.call(Thread::currentThread)).isSameAs(thread);
    }
    thread.join(Duration.ofSeconds(20).toMillis());
    assertThat(thread.isAlive()).isFalse();
    try (ComputeThread next = ComputeThread.of(Device.cpu())) {
      assertThat(next.call(Thread::currentThread)).isNotSameAs(thread);
    }
  }

  @Test
  @Timeout(20)
  void work_of_one_model_may_ask_another_one() {
    try (ComputeThread student = ComputeThread.of(Device.cpu());
        ComputeThread teacher = ComputeThread.of(Device.cpu())) {
      assertThat(student.call(() -> teacher.call(() -> student.call(() -> 1)))).isEqualTo(1);
    }
  }

  @Test
  void what_leaves_no_team_behind_or_is_computed_by_a_gpu_has_a_thread_of_its_own() {
    try (ComputeThread one = ComputeThread.of(Device.cpu());
        ComputeThread alone = ComputeThread.alone();
        ComputeThread gpu = ComputeThread.of(Device.gpu(0))) {
      assertThat(alone.call(Thread::currentThread))
          .isNotSameAs(one.call(Thread::currentThread))
          .isNotSameAs(gpu.call(Thread::currentThread));
    }
  }

  @Test
  void a_closed_one_computes_nothing_and_an_error_comes_back_as_it_was() {
    ComputeThread thread = ComputeThread.alone();
    IllegalStateException error = new IllegalStateException("of the work");
    assertThatThrownBy(
            () ->
                thread.call(
                    () -> {
                      throw error;
                    }))
        .isSameAs(error);
    thread.close();
    assertThatThrownBy(() -> thread.call(() -> 1)).hasMessageContaining("closed");
  }
}
