package org.clip4j.engine.internal;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Moves values between Java and tensors without a buffer in between.
 *
 * <p>DJL's own {@code create} backs a tensor with a direct buffer that lives until Java's garbage
 * collector finds it; these tensors own their memory and free it when closed.
 */
public final class HostMemory {
  /** Floats that one Java buffer shows at once; it could not show more than 2 GiB. */
  private static final long MAX_PIECE = 1 << 28;

  private HostMemory() {}

  /** Gives memory that many closed tensors have left back to the system. */
  public static void trim() {
    NativeSettings.trim();
  }

  /** A tensor of bytes, uint8: those of one array after the other. */
  public static NDArray upload(NDManager manager, Shape shape, byte[]... values) {
    return upload(manager, shape, DataType.UINT8, memory -> Stream.of(values).forEach(memory::put));
  }

  /** A tensor of int64. */
  public static NDArray upload(NDManager manager, Shape shape, long[] values) {
    return upload(manager, shape, DataType.INT64, memory -> memory.asLongBuffer().put(values));
  }

  /** A tensor of float32; reads the remaining values and leaves the buffer's position. */
  public static NDArray upload(NDManager manager, Shape shape, FloatBuffer values) {
    return upload(
        manager, shape, DataType.FLOAT32, memory -> memory.asFloatBuffer().put(values.duplicate()));
  }

  /** Fills a piece of a tensor. */
  public interface Filler {
    /**
     * Writes values.
     *
     * @param from index of the first, row-major
     * @param memory the tensor's own, to fill
     */
    void fill(long from, FloatBuffer memory);
  }

  /** A tensor of float32 of any size, written in place, piece by piece. */
  public static NDArray upload(NDManager manager, Shape shape, Filler filler) {
    NDArray host = manager.create(shape, DataType.FLOAT32, Device.cpu());
    forEachPiece(
        host, 0, host.size(), (from, piece) -> filler.fill(from, bytes(piece).asFloatBuffer()));
    return onDeviceOf(manager, host);
  }

  /**
   * A matrix of float32 of any size.
   *
   * @param rows at least one, all of one length
   */
  public static NDArray upload(NDManager manager, float[][] rows) {
    int width = rows[0].length;
    return upload(
        manager,
        new Shape(rows.length, width),
        (from, memory) -> {
          int row = (int) (from / width);
          int column = (int) (from % width); // a piece may begin inside a row
          while (memory.hasRemaining()) {
            int count = Math.min(width - column, memory.remaining());
            memory.put(rows[row++], column, count);
            column = 0;
          }
        });
  }

  /** The rows of a matrix of float32. */
  public static float[][] rows(NDArray matrix) {
    int width = Math.toIntExact(matrix.size(1));
    float[] all = matrix.toFloatArray();
    return IntStream.range(0, all.length / width)
        .mapToObj(i -> Arrays.copyOfRange(all, i * width, (i + 1) * width))
        .toArray(float[][]::new);
  }

  /**
   * Copies some of the values of a contiguous float32 tensor.
   *
   * @param from index of the first, row-major
   * @param target filled
   */
  public static void download(NDArray array, long from, FloatBuffer target) {
    forEachPiece(
        array,
        from,
        from + target.remaining(),
        (at, piece) -> target.put(piece.size() == 0 ? FloatBuffer.allocate(0) : view(piece)));
  }

  /** Replaces the values of a contiguous float32 tensor, in place and piece by piece. */
  public static void overwrite(NDArray array, Filler filler) {
    if (array.getDevice().equals(Device.cpu())) {
      forEachPiece(array, 0, array.size(), (from, piece) -> filler.fill(from, view(piece)));
    } else {
      overwriteByCopy(array, filler);
    }
  }

  /** Where Java cannot reach the tensor's memory. */
  static void overwriteByCopy(NDArray array, Filler filler) {
    forEachPiece(
        array,
        0,
        array.size(),
        (from, piece) ->
            Autograd.withoutRecording(
                () -> {
                  copy(piece, (at, memory) -> filler.fill(from + at, memory));
                  return null;
                }));
  }

  private static void copy(NDArray to, Filler filler) {
    try (NDManager scratch = to.getManager().newSubManager();
        NDArray flat = to.reshape(-1)) {
      NDArray values = upload(scratch, flat.getShape(), filler);
      JniUtils.indexSet(
          (PtNDArray) flat,
          (PtNDArray) values,
          new long[1],
          new long[] {flat.size()},
          new long[] {1});
    }
  }

  private static void forEachPiece(
      NDArray array, long from, long to, BiConsumer<Long, NDArray> consumer) {
    if (from == 0 && to == array.size() && to <= MAX_PIECE) {
      consumer.accept(0L, array);
      return;
    }
    try (NDManager scratch = array.getManager().newSubManager();
        NDArray flat = array.reshape(-1)) {
      for (long at = from; at < to; at += MAX_PIECE) {
        NDArray piece = flat.get(new NDIndex().addSliceDim(at, Math.min(to, at + MAX_PIECE)));
        piece.attach(scratch);
        consumer.accept(at, piece);
      }
    }
  }

  /**
   * The values of a contiguous float32 tensor.
   *
   * @return a view of the tensor's own memory where that is on the CPU, else a copy; never use it
   *     after the tensor is closed
   */
  public static FloatBuffer view(NDArray array) {
    if (array.getDevice().equals(Device.cpu())) {
      return bytes(array).asFloatBuffer();
    }
    NDArray host = array.toDevice(Device.cpu(), false);
    try {
      return FloatBuffer.wrap(host.toFloatArray());
    } finally {
      host.getManager().close(); // DJL moves a tensor through a manager of its own
    }
  }

  private static NDArray upload(
      NDManager manager, Shape shape, DataType type, Consumer<ByteBuffer> filler) {
    NDArray host = manager.create(shape, type, Device.cpu());
    filler.accept(bytes(host));
    return onDeviceOf(manager, host);
  }

  /**
   * Hands a tensor over to a manager and brings it to the manager's device, where it is not there.
   *
   * @param array closed if it was elsewhere
   */
  public static NDArray onDeviceOf(NDManager manager, NDArray array) {
    Device device = manager.getDevice();
    if (device.equals(array.getDevice())) {
      array.attach(manager);
      return array;
    }
    try (array) {
      NDArray onDevice = array.toDevice(device, true);
      NDManager moved = onDevice.getManager();
      onDevice.attach(manager);
      if (moved != manager) {
        moved.close();
      }
      return onDevice;
    }
  }

  private static ByteBuffer bytes(NDArray array) {
    return JniUtils.getByteBuffer((PtNDArray) array, true);
  }
}
