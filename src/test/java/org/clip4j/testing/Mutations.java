package org.clip4j.testing;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Random;

/**
 * Damages valid inputs in the ways that find faults in parsers, the same for the same seed: bits
 * and bytes changed, numbers made extreme, ranges cut, moved, repeated and taken from another
 * input.
 */
public final class Mutations {
  private static final long[] EXTREMES = {
    0,
    1,
    -1,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0x8000,
    0xFFFF,
    1 << 20,
    Integer.MAX_VALUE,
    Integer.MIN_VALUE,
    0xFFFFFFFFL,
    1L << 32,
    1L << 53,
    Long.MAX_VALUE,
    Long.MIN_VALUE
  };

  private static final int MAX_CHANGES = 4;

  private final Random random;
  private final List<byte[]> inputs;

  /** Takes a parser's input; what it throws is looked at. */
  @FunctionalInterface
  public interface Parser {
    /** Parses. */
    void parse(byte[] input) throws Exception;
  }

  private Mutations(long seed, List<byte[]> inputs) {
    random = new Random(seed);
    this.inputs = inputs;
  }

  /**
   * Gives damaged inputs to a parser. Each must be parsed or refused by one of the given types,
   * within {@link Bounds}; else this fails with the input, so that it can be made a test.
   *
   * @param inputs valid ones, to start from
   * @param allowed what the parser may throw
   * @return how many were refused
   */
  public static int check(
      long seed, int count, List<byte[]> inputs, Parser parser, List<Class<?>> allowed) {
    Mutations mutations = new Mutations(seed, inputs);
    int refused = 0;
    for (int i = 0; i < count; i++) {
      byte[] input = mutations.next();
      Throwable thrown;
      try {
        thrown = Bounds.run(() -> parser.parse(input));
      } catch (AssertionError e) {
        throw new AssertionError(describe(i, input), e);
      }
      if (thrown != null) {
        refused++;
        if (allowed.stream().noneMatch(type -> type.isInstance(thrown))) {
          throw new AssertionError(describe(i, input), thrown);
        }
      }
    }
    return refused;
  }

  /**
   * Writes an input to a file, again and again to the same. Some file systems flush a file to disk
   * that was emptied and filled, so it is overwritten and cut instead.
   */
  public static Path write(Path file, byte[] input) throws IOException {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      ByteBuffer bytes = ByteBuffer.wrap(input);
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      channel.truncate(input.length);
    }
    return file;
  }

  private static String describe(int index, byte[] input) {
    String shown =
        Base64.getEncoder().encodeToString(Arrays.copyOf(input, Math.min(input.length, 50_000)));
    return "input " + index + " of " + input.length + " bytes, in base64: " + shown;
  }

  private byte[] next() {
    byte[] bytes = any().clone();
    for (int changes = 1 + random.nextInt(MAX_CHANGES); changes > 0; changes--) {
      bytes = change(bytes);
    }
    return bytes;
  }

  private byte[] any() {
    return inputs.get(random.nextInt(inputs.size()));
  }

  private byte[] change(byte[] bytes) {
    if (bytes.length == 0) {
      return any().clone();
    }
    int at = random.nextInt(bytes.length);
    int to =
        Math.min(bytes.length, at + 1 + (int) Math.exp(random.nextDouble() * 6)); // mostly short
    switch (random.nextInt(8)) {
      case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
      case 1 -> bytes[at] = (byte) random.nextInt(256);
      case 2 -> { // a character or opcode that the input has elsewhere
        bytes[at] = bytes[random.nextInt(bytes.length)];
      }
      case 3 -> { // a number of 1, 2, 4 or 8 bytes
        long value = EXTREMES[random.nextInt(EXTREMES.length)];
        int width = 1 << random.nextInt(4);
        for (int i = 0; i < width && at + i < bytes.length; i++) {
          bytes[at + i] = (byte) (value >> 8 * i);
        }
      }
      case 4 -> {
        return splice(bytes, at, to, new byte[0], 0, 0);
      }
      case 5 -> {
        return Arrays.copyOf(bytes, at);
      }
      case 6 -> { // repeated
        return splice(bytes, to, to, bytes, at, to);
      }
      default -> { // put in from any input
        byte[] other = any();
        int from = random.nextInt(other.length);
        int end = Math.min(other.length, from + to - at);
        return splice(bytes, at, random.nextBoolean() ? at : to, other, from, end);
      }
    }
    return bytes;
  }

  /** Replaces a range by a range of another array. */
  private static byte[] splice(byte[] bytes, int at, int to, byte[] other, int from, int end) {
    byte[] result = new byte[at + end - from + bytes.length - to];
    System.arraycopy(bytes, 0, result, 0, at);
    System.arraycopy(other, from, result, at, end - from);
    System.arraycopy(bytes, to, result, at + end - from, bytes.length - to);
    return result;
  }
}
