package org.clip4j.encode;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import org.clip4j.engine.internal.HostMemory;
import org.clip4j.engine.internal.PixelKernels;
import org.clip4j.image.ImageTransform;
import org.clip4j.image.ImageTransform.ResizeMode;

/**
 * Brings transformed images to a model's device and normalises them: the one place that knows that
 * the images of some models are squares of pixels, and those of others strips of patches.
 */
public final class PixelInput {
  private final ImageTransform transform;
  private final PixelKernels kernels;

  /**
   * Compiles the kernels.
   *
   * @param manager owns them
   * @param transform what the images went through
   */
  public PixelInput(NDManager manager, ImageTransform transform) {
    this.transform = transform;
    kernels = new PixelKernels(manager, transform.mean(), transform.std());
  }

  /**
   * Makes the input of an image encoder.
   *
   * @param scratch owns the result
   * @param images how many there are
   * @param levels as {@link ImageTransform#apply} gives them, one after the other
   * @return [N, 3, height, width], or of patches what {@link
   *     org.clip4j.model.ClipModel#encodeImage} says
   */
  public NDArray of(NDManager scratch, int images, byte[]... levels) {
    boolean patches = transform.resizeMode() == ResizeMode.PATCHES;
    int height = transform.height();
    Shape shape =
        patches
            ? new Shape(images, transform.bytes())
            : new Shape(images, 3, height, transform.width());
    try (NDArray uploaded = HostMemory.upload(scratch, shape, levels)) {
      return patches
          ? kernels.strips(uploaded, height, transform.patches())
          : kernels.normalize(uploaded);
    }
  }

  /** Makes the input of one image, of patches without those that fill it up. */
  public NDArray ofOne(NDManager scratch, byte[] levels) {
    NDArray input = of(scratch, 1, levels);
    if (transform.resizeMode() != ResizeMode.PATCHES) {
      return input;
    }
    long last = input.size(1) - 1;
    float[] edges = input.get("0, " + last + ", 0:2").toFloatArray();
    NDArray patches = input.get(":, :" + (long) (edges[0] * edges[1]));
    return patches.concat(input.get(":, " + last + ":"), 1);
  }
}
