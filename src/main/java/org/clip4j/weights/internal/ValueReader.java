package org.clip4j.weights.internal;

import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicReference;
import org.clip4j.weights.tensors.CheckpointException;
import org.clip4j.weights.tensors.TensorInfo;
import org.clip4j.weights.tensors.TensorType;

/**
 * Reads numbers of an open file by position, piece by piece, straight into where they are wanted.
 *
 * <p>Nothing is mapped: pages of a mapped file count as the process's own as long as the mapping
 * lives, and loading a model would hold each parameter twice.
 *
 * <p>Safe for use by several threads; it does not own the channel.
 */
public final class ValueReader {
  /** Stays in a core's own cache between reading and converting; larger was not faster. */
  private static final int PIECE_BYTES = 1 << 18;

  private final Path file;
  private final FileChannel channel;

  /** One piece that is not in use; threads that find none make their own. */
  private final AtomicReference<Piece> spare = new AtomicReference<>();

  private static final class Piece {
    private final ByteBuffer bytes =
        ByteBuffer.allocateDirect(PIECE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    private final int[] bits = new int[PIECE_BYTES / Integer.BYTES];
    private short[] halves;
    private float[] floats;

    /** Arrays, since loops over these are compiled to vector instructions. */
    private void needArrays() {
      if (floats == null) {
        floats = new float[PIECE_BYTES / Short.BYTES];
        halves = new short[PIECE_BYTES / Short.BYTES];
      }
    }
  }

  /** Every binary16 value: looking one up takes a third of the time of computing it. */
  private static final class Halves {
    private static final float[] VALUES = new float[1 << 16];

    static {
      for (int bits = 0; bits < VALUES.length; bits++) {
        VALUES[bits] = Numbers.halfToFloat((short) bits);
      }
    }
  }

  public ValueReader(Path file, FileChannel channel) {
    this.file = file;
    this.channel = channel;
  }

  static void requireFloats(Path file, TensorInfo info) {
    if (!info.type().isFloat() && !info.type().isInteger()) {
      throw unreadable(file, info, "floats");
    }
  }

  static void requireIntegers(Path file, TensorInfo info) {
    if (!info.type().isInteger()) {
      throw unreadable(file, info, "integers");
    }
  }

  private static IllegalArgumentException unreadable(Path file, TensorInfo info, String what) {
    return new IllegalArgumentException(
        file + ": '" + info.name() + "' is " + info.type() + ", which cannot be read as " + what);
  }

  private static void requireRange(Path file, TensorInfo info, long from, FloatBuffer target) {
    if (from < 0 || from > info.count() - target.remaining()) {
      throw new IllegalArgumentException(
          file
              + ": '"
              + info.name()
              + "' "
              + info.describe()
              + " has "
              + info.count()
              + " values; asked for are "
              + target.remaining()
              + " from "
              + from);
    }
  }

  /**
   * Reads values of a tensor that follow each other in the file.
   *
   * @param begin where the tensor's first value lies
   * @param from index of the first value wanted
   * @param finite whether a value that is NaN or infinite is an error
   */
  public void copy(TensorInfo info, long begin, long from, FloatBuffer target, boolean finite) {
    requireFloats(file, info);
    requireRange(file, info, from, target);
    int size = info.type().size();
    long at = begin + from * size;
    int start = target.position();
    Piece piece = take();
    while (target.hasRemaining()) {
      int count = Math.min(PIECE_BYTES / size, target.remaining());
      read(piece.bytes, at, count * size);
      convert(info.type(), piece, count, target);
      if (finite && !isFinite(info.type(), piece, count, target)) {
        throw notFinite(info, from, start, target);
      }
      at += (long) count * size;
    }
    spare.set(piece);
  }

  /** As {@link #copy(TensorInfo, long, long, FloatBuffer, boolean)}, of a view of a storage. */
  public void copy(
      TensorInfo info,
      long storage,
      StridedView view,
      long from,
      FloatBuffer target,
      boolean finite) {
    if (view.isContiguous()) {
      copy(info, storage + view.offset() * info.type().size(), from, target, finite);
      return;
    }
    requireFloats(file, info);
    requireRange(file, info, from, target);
    long base = target.position() - from;
    gather(
        info.type(),
        storage,
        view,
        (bytes, at, index) -> {
          long place = base + index;
          if (place >= target.position() && place < target.limit()) {
            float value = Numbers.floatAt(info.type(), bytes, at);
            target.put((int) place, value);
            if (finite && !Float.isFinite(value)) {
              throw notFinite(info, index, value);
            }
          }
        });
    target.position(target.limit());
  }

  /** Whether the values just converted are finite: the exponent of others has all its bits set. */
  private static boolean isFinite(TensorType type, Piece piece, int count, FloatBuffer target) {
    boolean last = Float.isFinite(target.get(target.position() - 1)); // of halves maybe an odd one
    int ints = count * type.size() / Integer.BYTES;
    return switch (type) {
      case F32 -> last && !isSet(piece, ints, 0x7F800000, 0x00800000, 0x80000000);
      case F16 -> last && !isSet(piece, ints, 0x7C007C00, 0x04000400, 0x80008000);
      case BF16 -> last && !isSet(piece, ints, 0x7F807F80, 0x00800080, 0x80008000);
      default -> {
        for (int i = target.position() - count; i < target.position(); i++) {
          last &= Float.isFinite(target.get(i));
        }
        yield last;
      }
    };
  }

  /** Without a branch, so that it becomes vector instructions. */
  private static boolean isSet(Piece piece, int count, int exponents, int lowest, int carry) {
    int[] bits = piece.bits;
    piece.bytes.asIntBuffer().get(bits, 0, count);
    int carries = 0;
    for (int i = 0; i < count; i++) {
      carries |= (bits[i] & exponents) + lowest;
    }
    return (carries & carry) != 0;
  }

  private UncheckedIOException notFinite(TensorInfo info, long from, int start, FloatBuffer read) {
    int at = start;
    while (Float.isFinite(read.get(at))) {
      at++;
    }
    return notFinite(info, from + at - start, read.get(at));
  }

  private UncheckedIOException notFinite(TensorInfo info, long index, float value) {
    String message =
        file
            + ": '"
            + info.name()
            + "' holds "
            + value
            + " at index "
            + index
            + "; a model with it gives no embeddings. Its training diverged, or the file was"
            + " converted to a type too narrow; take an earlier or the original checkpoint";
    return new UncheckedIOException(message, new CheckpointException(message));
  }

  private static void convert(TensorType type, Piece piece, int count, FloatBuffer target) {
    ByteBuffer bytes = piece.bytes;
    switch (type) {
      case F32 -> target.put(bytes.asFloatBuffer());
      case F16, BF16 -> {
        piece.needArrays();
        short[] halves = piece.halves;
        float[] floats = piece.floats;
        bytes.asShortBuffer().get(halves, 0, count);
        if (type == TensorType.BF16) {
          for (int i = 0; i < count; i++) {
            floats[i] = Float.intBitsToFloat(halves[i] << 16);
          }
        } else {
          float[] values = Halves.VALUES;
          for (int i = 0; i < count; i++) {
            floats[i] = values[halves[i] & 0xFFFF];
          }
        }
        target.put(floats, 0, count);
      }
      default -> {
        for (int i = 0; i < count; i++) {
          target.put(Numbers.floatAt(type, bytes, i * type.size()));
        }
      }
    }
  }

  /** As {@link #copy}, of integers. */
  public long[] longs(TensorInfo info, long begin) {
    requireIntegers(file, info);
    TensorType type = info.type();
    long[] values = new long[info.arraySize(file)];
    Piece piece = take();
    for (int done = 0; done < values.length; ) {
      int count = Math.min(PIECE_BYTES / type.size(), values.length - done);
      read(piece.bytes, begin + (long) done * type.size(), count * type.size());
      for (int i = 0; i < count; i++) {
        values[done++] = Numbers.longAt(type, piece.bytes, i * type.size());
      }
    }
    spare.set(piece);
    return values;
  }

  /** As {@link #longs(TensorInfo, long)}, of a view of a storage. */
  public long[] longs(TensorInfo info, long storage, StridedView view) {
    if (view.isContiguous()) {
      return longs(info, storage + view.offset() * info.type().size());
    }
    requireIntegers(file, info);
    long[] values = new long[info.arraySize(file)];
    gather(
        info.type(),
        storage,
        view,
        (bytes, at, index) -> values[index] = Numbers.longAt(info.type(), bytes, at));
    return values;
  }

  /** Takes an element that lies at a place of a buffer. */
  private interface Element {
    void accept(ByteBuffer bytes, int at, int index);
  }

  private void gather(TensorType type, long storage, StridedView view, Element element) {
    int perPiece = PIECE_BYTES / type.size();
    long end = view.end();
    Piece piece = take();
    long[] window = {0, 0}; // the elements of the storage that are in the piece
    view.forEach(
        (inStorage, inTensor) -> {
          if (inStorage >= window[1]) { // they come in ascending order
            int count = (int) Math.min(perPiece, end - inStorage);
            read(piece.bytes, storage + inStorage * type.size(), count * type.size());
            window[0] = inStorage;
            window[1] = inStorage + count;
          }
          element.accept(piece.bytes, (int) (inStorage - window[0]) * type.size(), inTensor);
        });
    spare.set(piece);
  }

  /** Fills a buffer from its start, as far as asked, and sets its limit there. */
  public void read(ByteBuffer bytes, long at, int count) {
    bytes.clear().limit(count);
    try {
      while (bytes.hasRemaining()) {
        if (channel.read(bytes, at + bytes.position()) < 0) {
          throw new EOFException(file + " became shorter while it was read");
        }
      }
    } catch (ClosedChannelException e) {
      throw new IllegalStateException(file + " was closed; read before closing it", e);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
    bytes.flip();
  }

  private Piece take() {
    Piece piece = spare.getAndSet(null);
    return piece == null ? new Piece() : piece;
  }
}
