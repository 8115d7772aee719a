package org.clip4j;

import static org.assertj.core.api.Assertions.assertThat;

import org.clip4j.engine.internal.Faults;
import org.clip4j.engine.internal.KernelProof;
import org.junit.jupiter.api.Test;

class SystemReportTest {

  /** What is wrong with a kernel is said; since it is replaced, nothing is amiss. */
  @Test
  void a_report_tells_versions_processor_and_each_kernel_with_what_replaces_it() throws Exception {
    Faults.LAST_BLOCK.during(
        () -> {
          SystemReport report = SystemReport.create();
          assertThat(report.facts())
              .containsKeys("Java", "processor", "memory", "clip4j", "pytorch", "oneDNN")
              .containsKeys("computing threads", "CUDA devices", "TurboJPEG", "variables");
          assertThat(report.isSound()).isTrue();
          assertThat(report.proofs())
              .filteredOn(proof -> proof.kernel().startsWith("convolution"))
              .isNotEmpty()
              .noneMatch(KernelProof.Result::holds);
          assertThat(report.text())
              .containsPattern("WRONG convolution in FP32 .*; used instead: an unfolded product")
              .contains("What is wrong above is not used.");
        });
  }
}
