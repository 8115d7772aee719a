package org.clip4j.engine.internal;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.clip4j.engine.Precision;
import org.clip4j.engine.internal.LinearKernels.FusedActivation;
import org.clip4j.engine.internal.LinearLayout.Operation;
import org.clip4j.engine.internal.LinearLayout.Place;
import org.clip4j.engine.internal.TorchScript.Mode;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The library's products and convolutions against float64, around every size of a block. */
class KernelWalkTest {
  private static final FusedActivation GELU =
      new FusedActivation("torch.gelu_(y)", "gelu", "none", 1, "torch.gelu_(y)");

  private static final int[] SIZES = {
    8, 16, 24, 33, 48, 56, 64, 72, 80, 96, 112, 128, 144, 192, 264
  };
  private static final int[] ROWS = {1, 5, 50, 197};
  private static final int[] CHANNELS = {3, 4, 8, 12, 16, 24, 32, 40, 48, 64, 80, 96};

  /** SO400M's MLP, whose inner width is no multiple of 64. */
  private static final int[][] SO400M = {{1152, 4304}, {4304, 1152}};

  private final NDManager manager = NDManager.newBaseManager("PyTorch");
  private final Random random = new Random(1);

  @AfterEach
  void close() {
    manager.close();
  }

  @ParameterizedTest
  @EnumSource(
      value = Precision.class,
      names = {"FP32", "BF16", "FP16"})
  void products_of_laid_out_weights_are_those_of_float64(Precision precision) {
    LinearKernels linear = LinearKernels.of(manager, precision, GELU).orElseThrow();
    TorchScript kernels =
        TorchScript.compile(
            manager,
            PrecisionKernels.applyTo(
                precision,
                """
                def off(self, found: Tensor, right: Tensor) -> Tensor:
                  unit = torch.add(torch.abs(right), 1.)
                  d = torch.div(torch.abs(torch.sub(torch.to(found, 7), right)), unit)
                  return torch.max(d)

                def compare(self, rows: Tensor, w: Tensor, b: Tensor, laid: List[Tensor]) -> Tensor:
                  n = torch.size(w, 0)
                  x = torch.randn([1, torch.size(rows, 0), torch.size(w, 1)], dtype=6, layout=None, device=None, pin_memory=False)
                  r = torch.randn([1, torch.size(rows, 0), n], dtype=6, layout=None, device=None, pin_memory=False)
                  right = torch.linear({x}, {w}, {b})
                  worst = self.off(self.packed(x, laid[0], laid[1], n), right)
                  y = torch.narrow(self.packed_act(x, laid[2], laid[3]), -1, 0, n)
                  worst = torch.maximum(worst, self.off(y, torch.gelu(right)))
                  z = self.packed_add(r, x, laid[4], laid[5])
                  return torch.maximum(worst, self.off(z, torch.add(right, torch.to(r, 7))))
                """
                        .replace(
                            "{x}", "torch.to(" + PrecisionKernels.rounded(precision, "x") + ", 7)")
                        .replace(
                            "{w}", "torch.to(" + PrecisionKernels.rounded(precision, "w") + ", 7)")
                        .replace(
                            "{b}", "torch.to(" + PrecisionKernels.rounded(precision, "b") + ", 7)")
                    + linear.source(),
                manager.getDevice()));
    List<int[]> shapes = new ArrayList<>(List.of(SO400M));
    for (int inputs : SIZES) {
      for (int outputs : SIZES) {
        shapes.add(new int[] {inputs, outputs});
      }
    }
    double tolerance =
        precision == Precision.FP32 ? 1e-5 : precision == Precision.BF16 ? 0.02 : 3e-3;
    for (int[] shape : shapes) {
      try (NDManager own = manager.newSubManager()) {
        NDArray w =
            TorchScript.list(List.of(gaussian(own, 1 / Math.sqrt(shape[0]), shape[1], shape[0])))
                .get(0);
        NDArray b = TorchScript.list(List.of(gaussian(own, 1, shape[1]))).get(0);
        NDArray ones = own.ones(new Shape(shape[1]));
        NDList laid = new NDList();
        for (Operation operation : Operation.values()) {
          LinearLayout.Laid pair =
              linear.lay(
                  own,
                  new Place("map", List.of("map"), null, null, operation),
                  w,
                  b,
                  0,
                  ones,
                  ones);
          laid.add(pair.weight());
          laid.add(pair.bias());
        }
        TorchScript.list(laid);
        NDArray plainW = plain(own, w);
        NDArray plainB = plain(own, b);
        for (int rows : ROWS) {
          double off =
              kernels.call(
                      Mode.INFERENCE, "compare", own.zeros(new Shape(rows)), plainW, plainB, laid)
                  .toDoubleArray()[0];
          assertThat(off)
              .as("%d rows, %d inputs, %d outputs", rows, shape[0], shape[1])
              .isLessThan(tolerance);
        }
      }
    }
  }

  /** The same values, not marked as an element of a list. */
  private static NDArray plain(NDManager own, NDArray array) {
    NDArray copy = array.duplicate();
    copy.attach(own);
    copy.setName(null);
    return copy;
  }

  @Test
  void convolutions_and_their_gradients_are_those_of_float64() {
    List<ConvolutionKernels.Shape> shapes = new ArrayList<>();
    for (int inputs : CHANNELS) {
      for (int outputs : CHANNELS) {
        shapes.add(new ConvolutionKernels.Shape(inputs, outputs, 9));
      }
    }
    TorchScript kernels =
        TorchScript.compile(
            manager,
            """
            def off(self, found: Tensor, right: Tensor) -> Tensor:
              unit = torch.sqrt(torch.mean(torch.mul(right, right)))
              return torch.div(torch.max(torch.abs(torch.sub(torch.to(found, 7), right))), unit)

            def compare(self, stride: Tensor, x: Tensor, w: Tensor) -> Tensor:
              s = int(stride)
              p = torch.size(w, 2) // 2
              x = torch.requires_grad_(x, True)
              w = torch.requires_grad_(w, True)
              dx = torch.requires_grad_(torch.detach(torch.to(x, 7)), True)
              dw = torch.requires_grad_(torch.detach(torch.to(w, 7)), True)
              right = torch.conv2d(dx, dw, None, [s, s], [p, p])
              found = self.conv2d(x, w, s)
              g = torch.randn_like(found)
              worst = self.off(torch.detach(found), torch.detach(right))
              own = [x, w]
              founds = torch.grad([torch.sum(torch.mul(found, g))], own, None, None, False, False)
              exact = [dx, dw]
              rights = torch.grad([torch.sum(torch.mul(right, torch.to(g, 7)))], exact, None, None, False, False)
              for i in range(2):
                worst = torch.maximum(worst, self.off(unchecked_cast(Tensor, founds[i]), unchecked_cast(Tensor, rights[i])))
              return worst
            """
                + ConvolutionKernels.source(Precision.FP32, manager.getDevice(), shapes, true));
    for (ConvolutionKernels.Shape shape : shapes) {
      for (int kernel = 1; kernel <= 3; kernel += 2) {
        for (long stride = 1; stride <= 2; stride++) {
          try (NDManager own = manager.newSubManager()) {
            NDArray x = gaussian(own, 1, 2, shape.inputs(), 9, 9);
            NDArray w = gaussian(own, 1, shape.outputs(), shape.inputs(), kernel, kernel);
            NDArray s = HostMemory.upload(own, new Shape(1), new long[] {stride});
            double off =
                Autograd.record(() -> kernels.call(Mode.TRAINING, "compare", s, x, w))
                    .toDoubleArray()[0];
            assertThat(off).as("%s, kernel %d, stride %d", shape, kernel, stride).isLessThan(2e-5);
          }
        }
      }
    }
  }

  @Test
  void depthwise_convolutions_and_their_gradients_are_those_of_float64() {
    List<DepthwiseKernels.Shape> shapes = new ArrayList<>();
    for (int channels : CHANNELS) {
      for (int kernel : new int[] {3, 5, 7}) {
        for (int stride = 1; stride <= 2; stride++) {
          shapes.add(new DepthwiseKernels.Shape(channels, kernel, 9, stride));
        }
      }
    }
    TorchScript kernels =
        TorchScript.compile(
            manager,
            """
            def off(self, found: Tensor, right: Tensor) -> Tensor:
              unit = torch.sqrt(torch.mean(torch.mul(right, right)))
              return torch.div(torch.max(torch.abs(torch.sub(torch.to(found, 7), right))), unit)

            def compare(self, stride: Tensor, x: Tensor, w: Tensor, b: Tensor) -> Tensor:
              s = int(stride)
              p = torch.size(w, 2) // 2
              own = annotate(List[Tensor], [])
              exact = annotate(List[Tensor], [])
              for t in [x, w, b]:
                own = torch.append(own, torch.requires_grad_(t, True))
                exact = torch.append(exact, torch.requires_grad_(torch.detach(torch.to(t, 7)), True))
              right = torch.conv2d(exact[0], exact[1], exact[2], [s, s], [p, p], [1, 1], torch.size(x, 1))
              found = self.depthwise(own[0], own[1], own[2], s)
              g = torch.randn_like(found)
              worst = self.off(torch.detach(found), torch.detach(right))
              founds = torch.grad([torch.sum(torch.mul(found, g))], own, None, None, False, False)
              rights = torch.grad([torch.sum(torch.mul(right, torch.to(g, 7)))], exact, None, None, False, False)
              for i in range(3):
                worst = torch.maximum(worst, self.off(unchecked_cast(Tensor, founds[i]), unchecked_cast(Tensor, rights[i])))
              return worst
            """
                + DepthwiseKernels.source(Precision.FP32, manager.getDevice(), shapes, true));
    for (DepthwiseKernels.Shape shape : shapes) {
      for (int multiple = 1; multiple <= 2; multiple++) {
        if (shape.channels() % multiple == 0) {
          try (NDManager own = manager.newSubManager()) {
            NDArray x = gaussian(own, 1, 2, shape.channels() / multiple, 9, 9);
            NDArray w = gaussian(own, 1, shape.channels(), 1, shape.kernel(), shape.kernel());
            NDArray b = gaussian(own, 1, shape.channels());
            NDArray s = HostMemory.upload(own, new Shape(1), new long[] {shape.stride()});
            double off =
                Autograd.record(() -> kernels.call(Mode.TRAINING, "compare", s, x, w, b))
                    .toDoubleArray()[0];
            assertThat(off).as("%s, %d kernels each", shape, multiple).isLessThan(2e-5);
          }
        }
      }
    }
  }

  @Test
  void depthwise_convolutions_in_bfloat16_are_those_of_float64() {
    List<DepthwiseKernels.Shape> shapes = new ArrayList<>();
    for (int channels : CHANNELS) {
      for (int stride = 1; stride <= 2; stride++) {
        shapes.add(new DepthwiseKernels.Shape(channels, 7, 9, stride));
      }
    }
    TorchScript kernels =
        TorchScript.compile(
            manager,
            PrecisionKernels.applyTo(
                Precision.BF16,
                """
                def compare(self, stride: Tensor, x: Tensor, w: Tensor, b: Tensor) -> Tensor:
                  s = int(stride)
                  x = torch.to(torch.to(x, 15), 6)
                  w = torch.to(torch.to(w, 15), 6)
                  b = torch.to(torch.to(b, 15), 6)
                  found = self.depthwise(self.short(x), w, b, s)
                  right = torch.conv2d(torch.to(x, 7), torch.to(w, 7), torch.to(b, 7), [s, s], [3, 3], [1, 1], torch.size(x, 1))
                  unit = torch.sqrt(torch.mean(torch.mul(right, right)))
                  return torch.div(torch.max(torch.abs(torch.sub(torch.to(found, 7), right))), unit)
                """
                    + DepthwiseKernels.source(Precision.BF16, manager.getDevice(), shapes, false),
                manager.getDevice()));
    for (DepthwiseKernels.Shape shape : shapes) {
      try (NDManager own = manager.newSubManager()) {
        NDArray x = gaussian(own, 1, 2, shape.channels(), 9, 9);
        NDArray w = gaussian(own, 1, shape.channels(), 1, 7, 7);
        NDArray b = gaussian(own, 1, shape.channels());
        NDArray s = HostMemory.upload(own, new Shape(1), new long[] {shape.stride()});
        double off = kernels.call(Mode.INFERENCE, "compare", s, x, w, b).toDoubleArray()[0];
        assertThat(off).as(shape.toString()).isLessThan(0.02);
      }
    }
  }

  private NDArray gaussian(NDManager own, double deviation, long... shape) {
    return HostMemory.upload(
        own,
        new Shape(shape),
        (from, memory) -> {
          while (memory.hasRemaining()) {
            memory.put((float) (random.nextGaussian() * deviation));
          }
        });
  }
}
