package org.clip4j.eval;

import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.function.DoubleConsumer;
import org.clip4j.io.IoErrors;
import org.clip4j.io.NpyHeader;

/**
 * Reads an array that NumPy saved ({@code numpy.save}), in pieces: a matrix of floats as
 * embeddings, or a list of whole numbers as labels. Little-endian float32, float64, int32, int64
 * and uint8, row by row. Safe for use by several threads until it is closed.
 */
public final class NumpyArray implements EmbeddingRows, AutoCloseable {
  private static final int PIECE_BYTES = 1 << 18; // stays in the core's cache
  private final Path file;
  private final FileChannel channel;
  private final long dataStart;
  private final String type;
  private final int bytes; // of a value
  private final int count;
  private final int width;

  /** The types that are read, in NumPy's notation, with their bytes. */
  private static final Map<String, Integer> TYPES =
      Map.of("<f4", 4, "<f8", 8, "<i4", 4, "<i8", 8, "|u1", 1);

  private NumpyArray(Path file, FileChannel channel) throws IOException {
    this.file = file;
    this.channel = channel;
    NpyHeader header = NpyHeader.read(file, channel);
    List<Long> shape = header.shape();
    if (shape.isEmpty() || shape.size() > 2) {
      throw bad("has the shape " + shape + "; one or two dimensions are needed");
    }
    type = header.type();
    if (!TYPES.containsKey(type)) {
      throw bad("holds values of type " + type + "; save it as float32, or as int64 for labels");
    }
    bytes = TYPES.get(type);
    long rows = shape.get(0);
    long columns = shape.size() == 1 ? 1 : shape.get(1);
    dataStart = header.offset();
    long available = (channel.size() - dataStart) / bytes;
    if (rows > Integer.MAX_VALUE
        || columns > Integer.MAX_VALUE
        || columns == 0
        || rows > available / columns) {
      throw bad("holds " + available + " values, and should hold " + rows + " x " + columns);
    }
    count = (int) rows;
    width = (int) columns;
  }

  /**
   * Opens a file and checks its header.
   *
   * @throws IOException if it is no array of these types with one or two dimensions; the message
   *     names the file
   */
  public static NumpyArray open(Path file) throws IOException {
    return IoErrors.worded(file, () -> openFile(file));
  }

  private static NumpyArray openFile(Path file) throws IOException {
    FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
    try {
      return new NumpyArray(file, channel);
    } catch (IOException | RuntimeException | Error e) {
      channel.close();
      throw e;
    }
  }

  /**
   * Reads a matrix as vectors in the heap.
   *
   * @throws IOException as {@link #open}
   */
  public static float[][] matrix(Path file) throws IOException {
    try (NumpyArray npy = open(file)) {
      float[][] rows = new float[npy.count][npy.width];
      for (int i = 0; i < rows.length; i++) {
        npy.copy(i, FloatBuffer.wrap(rows[i]));
      }
      return rows;
    }
  }

  /**
   * Reads a list of whole numbers.
   *
   * @throws IOException as {@link #open}, and if one is no int
   */
  public static int[] ints(Path file) throws IOException {
    try (NumpyArray npy = open(file)) {
      if (npy.width != 1) {
        throw npy.bad("has " + npy.width + " columns; expected a list of whole numbers");
      }
      IntBuffer numbers = IntBuffer.allocate(npy.count);
      npy.read(
          0,
          npy.count,
          value -> {
            if ((int) value != value) {
              throw new UncheckedIOException(npy.bad("holds " + value + ", no whole number"));
            }
            numbers.put((int) value);
          });
      return numbers.array();
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  @Override
  public int count() {
    return count;
  }

  /** Returns the number of columns; 1 for a list. */
  @Override
  public int width() {
    return width;
  }

  /**
   * {@inheritDoc}
   *
   * @throws UncheckedIOException if the file cannot be read
   */
  @Override
  public void copy(int from, FloatBuffer target) {
    read((long) from * width, target.remaining(), value -> target.put((float) value));
  }

  private void read(long from, long values, DoubleConsumer consumer) {
    int perPiece = PIECE_BYTES / bytes;
    try {
      for (long done = 0; done < values; done += perPiece) {
        int count = (int) Math.min(perPiece, values - done);
        ByteBuffer piece = ByteBuffer.allocate(count * bytes).order(ByteOrder.LITTLE_ENDIAN);
        readFully(piece, dataStart + (from + done) * bytes);
        for (int i = 0; i < count; i++) {
          consumer.accept(value(piece));
        }
      }
    } catch (IOException e) {
      throw IoErrors.unchecked(e);
    }
  }

  private void readFully(ByteBuffer bytes, long position) throws IOException {
    while (bytes.hasRemaining()) {
      int read = channel.read(bytes, position + bytes.position());
      if (read < 0) {
        throw new EOFException(file + " ended while it was read");
      }
    }
    bytes.flip();
  }

  private double value(ByteBuffer from) {
    return switch (type) {
      case "<f4" -> from.getFloat();
      case "<f8" -> from.getDouble();
      case "<i4" -> from.getInt();
      case "<i8" -> from.getLong();
      default -> from.get() & 0xff;
    };
  }

  private IOException bad(String what) {
    return new IOException(file + " " + what);
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
