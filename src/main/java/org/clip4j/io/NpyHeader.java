package org.clip4j.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The header of a {@code .npy} file (NumPy Enhancement Proposal 1), versions 1.0 to 3.0, of an
 * array in C order.
 *
 * @param type of the values in NumPy's notation, such as {@code <f4}
 * @param shape length of each dimension
 * @param offset of the first value in the file, in bytes
 */
public record NpyHeader(String type, List<Long> shape, long offset) {
  public static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};

  private static final int MAX_BYTES = 1 << 16;
  private static final Pattern DESCR = Pattern.compile("'descr'\\s*:\\s*'([^']*)'");
  private static final Pattern ORDER = Pattern.compile("'fortran_order'\\s*:\\s*(True|False)");
  private static final Pattern SHAPE =
      Pattern.compile(
          "'shape'\\s*:\\s*\\(((?:[0-9]{1,18}, *){0,64}[0-9]{0,18})\\)"); // NumPy's most

  /**
   * Reads it.
   *
   * @param file named in messages
   * @throws IOException if there is none, or it is damaged; the message names the file
   */
  public static NpyHeader read(Path file, FileChannel channel) throws IOException {
    // 1. The magic, a version of two bytes, and the header's length: 2 bytes in version 1, else 4.
    ByteBuffer start = FileBytes.read(channel, 0, 12);
    byte[] magic = new byte[MAGIC.length];
    if (start.remaining() == 12) {
      start.get(magic);
    }
    if (!Arrays.equals(magic, MAGIC)) {
      throw new IOException(file + " is no .npy file; write one with numpy.save");
    }
    int major = start.get();
    start.get();
    if (major < 1 || major > 3) {
      throw new IOException(file + " is .npy version " + major + "; 1 to 3 are known");
    }
    long headerStart = major == 1 ? 10 : 12;
    long length = major == 1 ? start.getShort() & 0xFFFF : start.getInt() & 0xFFFFFFFFL;
    if (length > MAX_BYTES) {
      throw new IOException(
          file + " has a header of " + length + " bytes; " + MAX_BYTES + " are allowed");
    }
    // 2. The header, a Python dictionary.
    String header =
        StandardCharsets.ISO_8859_1
            .decode(FileBytes.read(channel, headerStart, (int) length))
            .toString();
    String type = find(file, DESCR, header, "type");
    if (find(file, ORDER, header, "order").equals("True")) {
      throw new IOException(
          file + " is in Fortran order; np.save(file, np.ascontiguousarray(array)) writes it in C");
    }
    List<Long> shape =
        Stream.of(find(file, SHAPE, header, "shape").split(", *"))
            .filter(dimension -> !dimension.isEmpty())
            .map(Long::valueOf)
            .toList();
    return new NpyHeader(type, shape, headerStart + length);
  }

  private static String find(Path file, Pattern field, String header, String what)
      throws IOException {
    Matcher matcher = field.matcher(header);
    if (!matcher.find()) {
      throw new IOException(file + " has no " + what + " in its .npy header, which is damaged");
    }
    return matcher.group(1);
  }
}
