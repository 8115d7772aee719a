package org.clip4j.image.internal.webp;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.clip4j.image.internal.SizeCheck;

/**
 * Decodes VP8L, the lossless kind of WebP, by its published specification: pixels as prefix codes,
 * references back and a cache of recent colours, then up to four transforms to undo.
 */
final class Vp8lFrame {

  private static final int LITERALS = 256;
  private static final int LENGTHS = 24;
  private static final int DISTANCES = 40;

  /** In which order the lengths of the code for code lengths come. */
  private static final int[] LENGTH_ORDER = {
    17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
  };

  /** The first distance codes are neighbours: rows up in the high digit, 8 - columns in the low. */
  private static final String NEIGHBOURS =
      "1807171928062729161a262a38053739151b363a252b48044749141c353b464a242c58454b343c03"
          + "5759131d565a232d444c555b333d68026769121e666a222e545c434d656b323e78017779535d111f"
          + "646c424e767a212f757b313f636d525e00747c414f1020626e30737d515f40727e616f50717f6070";

  /** The codes for one part of the picture. */
  private record Group(
      Vp8lCode green, Vp8lCode red, Vp8lCode blue, Vp8lCode alpha, Vp8lCode distance) {}

  private final Vp8lBits bits;

  private Vp8lFrame(Vp8lBits bits) {
    this.bits = bits;
  }

  /** A picture 0xAARRGGBB, row by row. */
  record Argb(int width, int height, int[] pixels) {}

  /** Decodes the chunk in data[from, end). */
  static Argb decode(byte[] data, int from, int end, SizeCheck sizeCheck) throws IOException {
    Vp8lBits bits = new Vp8lBits(data, from, end);
    if (bits.read(8) != 0x2F) {
      throw new IOException("its VP8L chunk has no signature");
    }
    int width = bits.read(14) + 1;
    int height = bits.read(14) + 1;
    boolean alpha = bits.flag();
    if (bits.read(3) != 0) {
      throw new IOException("its VP8L chunk has an unknown version");
    }
    sizeCheck.check(width, height, 11, SizeCheck.UNIFORM);
    int[] argb = new Vp8lFrame(bits).stream(width, height, true);
    if (!alpha) {
      for (int i = 0; i < argb.length; i++) {
        argb[i] |= 0xFF000000;
      }
    }
    return new Argb(width, height, argb);
  }

  /** Decodes a picture of known size without header, as alpha is stored. */
  static int[] decodeBare(byte[] data, int from, int end, int width, int height)
      throws IOException {
    return new Vp8lFrame(new Vp8lBits(data, from, end)).stream(width, height, true);
  }

  /**
   * @param whole whether this is the picture and not data that help to decode it
   */
  private int[] stream(int width, int height, boolean whole) throws IOException {
    List<Vp8lTransform> transforms = new ArrayList<>();
    int coded = width;
    while (whole && bits.flag()) {
      Vp8lTransform transform = readTransform(coded, height);
      for (Vp8lTransform other : transforms) {
        if (other.kind() == transform.kind()) {
          throw new IOException("it has the same transform twice");
        }
      }
      transforms.add(transform);
      coded = transform.codedWidth();
    }
    int cacheBits = 0;
    if (bits.flag()) {
      cacheBits = bits.read(4);
      if (cacheBits < 1 || cacheBits > 11) {
        throw new IOException("its colour cache has " + cacheBits + " bits; 1 to 11 are possible");
      }
    }
    int[] argb = pixels(coded, height, cacheBits, whole);
    bits.checkEnd();
    for (int i = transforms.size() - 1; i >= 0; i--) {
      argb = transforms.get(i).undo(argb, height);
    }
    return argb;
  }

  private Vp8lTransform readTransform(int width, int height) throws IOException {
    int kind = bits.read(2);
    return switch (kind) {
      case Vp8lTransform.PREDICTION, Vp8lTransform.COLOR -> {
        int size = bits.read(3) + 2;
        int[] data = stream(blocks(width, size), blocks(height, size), false);
        yield new Vp8lTransform(kind, width, width, size, data);
      }
      case Vp8lTransform.PALETTE -> {
        int count = bits.read(8) + 1;
        int packing = count > 16 ? 0 : count > 4 ? 1 : count > 2 ? 2 : 3;
        int[] palette = stream(count, 1, false);
        for (int i = 1; i < count; i++) {
          palette[i] = Vp8lTransform.add(palette[i], palette[i - 1]);
        }
        yield new Vp8lTransform(kind, width, blocks(width, packing), packing, palette);
      }
      default -> new Vp8lTransform(kind, width, width, 0, new int[0]);
    };
  }

  private static int blocks(int length, int bits) {
    return length + (1 << bits) - 1 >> bits;
  }

  private int[] pixels(int width, int height, int cacheBits, boolean whole) throws IOException {
    int[] groupOf = {0};
    int groupBits = 0;
    int groupWidth = 1;
    if (whole && bits.flag()) {
      groupBits = bits.read(3) + 2;
      groupWidth = blocks(width, groupBits);
      groupOf = stream(groupWidth, blocks(height, groupBits), false);
      for (int i = 0; i < groupOf.length; i++) {
        groupOf[i] = groupOf[i] >> 8 & 0xFFFF;
      }
    }
    Group[] groups = new Group[Arrays.stream(groupOf).max().getAsInt() + 1];
    boolean[] used = new boolean[groups.length];
    for (int group : groupOf) {
      used[group] = true;
    }
    for (int i = 0; i < groups.length; i++) {
      Group group = readGroup(cacheBits == 0 ? 0 : 1 << cacheBits);
      groups[i] = used[i] ? group : null;
      bits.checkEnd();
    }
    int[] argb = new int[width * height];
    int[] cache = new int[cacheBits == 0 ? 0 : 1 << cacheBits];
    int at = 0;
    while (at < argb.length) {
      int y = at / width;
      int x = at - y * width;
      Group group = groups[groupOf[(y >> groupBits) * groupWidth + (x >> groupBits)]];
      // The same codes hold up to the end of the block, which spares a look-up per pixel.
      int until = groupOf.length == 1 ? argb.length : at - x + nextBlock(x, groupBits, width);
      while (at < until) {
        int symbol = group.green.read(bits);
        if (symbol < LITERALS) {
          int red = group.red.read(bits);
          int blue = group.blue.read(bits);
          argb[at] = group.alpha.read(bits) << 24 | red << 16 | symbol << 8 | blue;
          remember(cache, cacheBits, argb[at++]);
        } else if (symbol < LITERALS + LENGTHS) {
          int length = number(symbol - LITERALS);
          int distance = distance(number(group.distance.read(bits)), width);
          if (distance > at || length > argb.length - at) {
            throw new IOException("it refers to pixels outside of it");
          }
          for (int i = 0; i < length; i++, at++) {
            argb[at] = argb[at - distance];
            remember(cache, cacheBits, argb[at]);
          }
        } else {
          argb[at++] = cache[symbol - LITERALS - LENGTHS];
        }
      }
      bits.checkEnd();
    }
    return argb;
  }

  private static int nextBlock(int x, int bits, int width) {
    return Math.min(width, (x >> bits) + 1 << bits);
  }

  private static void remember(int[] cache, int cacheBits, int argb) {
    if (cacheBits > 0) {
      cache[0x1E35A7BD * argb >>> 32 - cacheBits] = argb;
    }
  }

  /** Lengths and distances: a prefix and extra bits. */
  private int number(int prefix) {
    if (prefix < 4) {
      return prefix + 1;
    }
    int extra = prefix - 2 >> 1;
    return (2 + (prefix & 1) << extra) + bits.read(extra) + 1;
  }

  private static int distance(int code, int width) {
    if (code > NEIGHBOURS.length() / 2) {
      return code - NEIGHBOURS.length() / 2;
    }
    int rows = Character.digit(NEIGHBOURS.charAt(2 * code - 2), 16);
    int columns = 8 - Character.digit(NEIGHBOURS.charAt(2 * code - 1), 16);
    return Math.max(1, rows * width + columns);
  }

  private Group readGroup(int cacheSize) throws IOException {
    return new Group(
        readCode(LITERALS + LENGTHS + cacheSize),
        readCode(LITERALS),
        readCode(LITERALS),
        readCode(LITERALS),
        readCode(DISTANCES));
  }

  private Vp8lCode readCode(int symbols) throws IOException {
    int[] lengths = new int[symbols];
    if (bits.flag()) { // one or two symbols, spelt out
      boolean two = bits.flag();
      int first = bits.read(bits.flag() ? 8 : 1);
      int second = two ? bits.read(8) : first;
      if (first >= symbols || second >= symbols) {
        throw new IOException("a prefix code in it names an unknown symbol");
      }
      lengths[first] = 1;
      lengths[second] = 1;
      return Vp8lCode.of(lengths);
    }
    int[] lengthLengths = new int[LENGTH_ORDER.length];
    int given = bits.read(4) + 4;
    for (int i = 0; i < given; i++) {
      lengthLengths[LENGTH_ORDER[i]] = bits.read(3);
    }
    Vp8lCode lengthCode = Vp8lCode.of(lengthLengths);
    int left = symbols;
    if (bits.flag()) {
      left = 2 + bits.read(2 + 2 * bits.read(3));
      if (left > symbols) {
        throw new IOException("a prefix code in it has too many symbols");
      }
    }
    int previous = 8;
    for (int i = 0; i < symbols && left > 0; left--) {
      int length = lengthCode.read(bits);
      if (length <= Vp8lCode.LONGEST) {
        lengths[i++] = length;
        previous = length == 0 ? previous : length;
        continue;
      }
      int repeat =
          switch (length) {
            case 16 -> 3 + bits.read(2);
            case 17 -> 3 + bits.read(3);
            default -> 11 + bits.read(7);
          };
      if (repeat > symbols - i) {
        throw new IOException("a prefix code in it has too many symbols");
      }
      Arrays.fill(lengths, i, i + repeat, length == 16 ? previous : 0);
      i += repeat;
    }
    return Vp8lCode.of(lengths);
  }
}
