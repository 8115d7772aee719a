package org.clip4j.engine.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.List;
import org.clip4j.engine.Precision;
import org.clip4j.engine.internal.TorchScript.Mode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TrainedLinearTest {
  private static final List<TrainedLinear.Sizes> MAPS =
      List.of(
          new TrainedLinear.Sizes(512, 512),
          new TrainedLinear.Sizes(512, 1536),
          new TrainedLinear.Sizes(768, 3072),
          new TrainedLinear.Sizes(2048, 512),
          new TrainedLinear.Sizes(576, 1040), // no whole blocks
          new TrainedLinear.Sizes(64, 512));

  private static final String COMPARE =
      """
      def off(self, found: Tensor, right: Tensor) -> Tensor:
        unit = torch.sqrt(torch.mean(torch.mul(right, right)))
        return torch.div(torch.max(torch.abs(torch.sub(torch.to(found, 7), right))), unit)

      def compare(self, x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        own = annotate(List[Tensor], [])
        exact = annotate(List[Tensor], [])
        for t in [x, w, b]:
          own = torch.append(own, torch.requires_grad_(t, True))
          exact = torch.append(exact, torch.requires_grad_(torch.detach(torch.to(t, 7)), True))
        found = self.linear(own[0], own[1], own[2])
        right = torch.linear(exact[0], exact[1], exact[2])
        g = torch.randn_like(found)
        worst = self.off(torch.detach(found), torch.detach(right))
        founds = torch.grad([torch.sum(torch.mul(found, g))], own, None, None, False, False)
        rights = torch.grad([torch.sum(torch.mul(right, torch.to(g, 7)))], exact, None, None, False, False)
        for i in range(3):
          worst = torch.maximum(worst, self.off(unchecked_cast(Tensor, founds[i]), unchecked_cast(Tensor, rights[i])))
        return worst
      """;

  private static String applied() {
    return TrainedLinear.applyTo(Precision.FP32, COMPARE, Device.cpu(), MAPS);
  }

  @Test
  void maps_and_their_gradients_are_those_of_float64_for_few_tokens_and_many() {
    try (NDManager manager = Libtorch.newManager(Device.cpu())) {
      TorchScript kernels =
          TorchScript.compile(
              manager, PrecisionKernels.applyTo(Precision.FP32, applied(), Device.cpu()));
      for (TrainedLinear.Sizes map : MAPS) {
        for (int[] tokens : new int[][] {{1, 1}, {2, 5}, {12, 50}, {1, 613}, {600, 1}}) {
          try (NDManager own = manager.newSubManager()) {
            NDArray x = own.randomNormal(new Shape(tokens[0], tokens[1], map.inputs()));
            NDArray w = own.randomNormal(new Shape(map.outputs(), map.inputs())).mul(0.03f);
            NDArray b = own.randomNormal(new Shape(map.outputs()));
            double off =
                Autograd.record(() -> kernels.call(Mode.TRAINING, "compare", x, w, b))
                    .toDoubleArray()[0];
            assertThat(off)
                .as("%s, %d x %d tokens", map, tokens[0], tokens[1])
                .isLessThan(2e-5);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(value = Faults.class, mode = EnumSource.Mode.EXCLUDE, names = "MANY_IMAGES")
  void wrong_kernels_are_refuted_and_not_used(Faults fault) throws Exception {
    assumeTrue(CpuFeatures.hasWideVectors());
    fault.during(() -> assertThat(applied()).isEqualTo(COMPARE));
  }

  @Test
  void only_large_maps_of_whole_blocks_in_float32_are_convolutions() {
    assumeTrue(CpuFeatures.hasWideVectors());
    assertThat(applied())
        .contains("i == 2048 and o == 512")
        .doesNotContain("i == 576", "i == 64 ");
    assertThat(TrainedLinear.applyTo(Precision.BF16, COMPARE, Device.cpu(), MAPS))
        .isEqualTo(COMPARE);
    assertThat(TrainedLinear.applyTo(Precision.FP32, COMPARE, Device.gpu(0), MAPS))
        .isEqualTo(COMPARE);
  }
}
