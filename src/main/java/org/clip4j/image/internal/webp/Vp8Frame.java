package org.clip4j.image.internal.webp;

import java.io.IOException;
import java.util.Arrays;
import org.clip4j.image.internal.Pixels;
import org.clip4j.image.internal.SizeCheck;

/**
 * Decodes a VP8 key frame, which is what lossy WebP holds (RFC 6386). Agrees with libwebp on every
 * value, unlike decoders that predict from filtered samples or repeat chroma.
 */
final class Vp8Frame {

  private static final int BLOCK_MODES = 10;
  private static final int BY_BLOCK = -1;

  private final byte[] data;
  private final int end;
  private final Vp8Bits header;
  private final Vp8Bits[] partitions;
  private final int width;
  private final int height;
  private final int columns;
  private final int rows;

  // What the header says.
  private boolean segmented;
  private boolean segmentsMapped;
  private boolean segmentsAbsolute;
  private final int[] segmentQuantizers = new int[4];
  private final int[] segmentLevels = new int[4];
  private final int[] segmentTree = {255, 255, 255};
  private boolean simpleFilter;
  private int filterLevel;
  private int sharpness;
  private boolean filterDeltas;
  private final int[] referenceDeltas = new int[4];
  private final int[] modeDeltas = new int[4];
  private final int[][] steps = new int[4][6]; // per segment: DC and AC of Y, Y2, UV
  private final int[] tokens = Vp8Tables.TOKENS.clone();
  private int skipProbability = -1;

  private final Vp8Plane luma;
  private final Vp8Plane[] chroma;

  // Of the macroblock at hand.
  private final int[] coefficients = new int[25 * 16];
  private final int[] lastOf = new int[24]; // per block: 0 empty, 1 only a constant, 2 more
  private final int[] blockModes = new int[16];
  private int mode;
  private int chromaMode;
  private int segment;
  private boolean skipped;

  // What the macroblocks above and to the left say.
  private final int[] modesAbove;
  private final int[] modesLeft = new int[4];
  private final boolean[] filledAbove; // per column: 4 Y, 2 U, 2 V, Y2
  private final boolean[] filledLeft = new boolean[9];

  // What the loop filter needs of every macroblock.
  private final byte[] filterSegment;
  private final boolean[] byBlock;
  private final boolean[] filterInside;

  private Vp8Frame(byte[] data, int from, int end, SizeCheck sizeCheck) throws IOException {
    this.data = data;
    this.end = end;
    if (end - from < 10) {
      throw new IOException(
          "it is truncated: a frame header needs 10 bytes, found " + (end - from));
    }
    int tag = int24(from);
    if ((tag & 1) != 0 || (tag >> 1 & 7) > 3 || int24(from + 3) != 0x2A019D) {
      throw new IOException("its VP8 chunk does not begin with a key frame");
    }
    width = (data[from + 6] & 0xFF | data[from + 7] << 8) & 0x3FFF;
    height = (data[from + 8] & 0xFF | data[from + 9] << 8) & 0x3FFF;
    sizeCheck.check(width, height, 8, SizeCheck.UNIFORM);
    int tokensFrom = from + 10 + (tag >> 5);
    if (tokensFrom > end) {
      throw new IOException("it is truncated: its first partition goes beyond its end");
    }
    columns = (width + 15) / 16;
    rows = (height + 15) / 16;
    header = new Vp8Bits(data, from + 10, tokensFrom);
    luma = new Vp8Plane(16 * columns, 16 * rows);
    chroma =
        new Vp8Plane[] {new Vp8Plane(8 * columns, 8 * rows), new Vp8Plane(8 * columns, 8 * rows)};
    modesAbove = new int[4 * columns];
    filledAbove = new boolean[9 * columns];
    filterSegment = new byte[columns * rows];
    byBlock = new boolean[columns * rows];
    filterInside = new boolean[columns * rows];
    readSegments();
    partitions = readFilterAndPartitions(tokensFrom);
    readSteps();
    readProbabilities();
  }

  /** Decodes the frame in data[from, end). */
  static Pixels decode(byte[] data, int from, int end, SizeCheck sizeCheck) throws IOException {
    Vp8Frame frame = new Vp8Frame(data, from, end, sizeCheck);
    frame.decodeMacroblocks();
    frame.filter();
    return Vp8Colors.toRgb(frame.luma, frame.chroma[0], frame.chroma[1], frame.width, frame.height);
  }

  private void readSegments() {
    header.number(2); // colour space and clamping, of no consequence
    segmented = header.flag();
    if (!segmented) {
      return;
    }
    segmentsMapped = header.flag();
    if (header.flag()) {
      segmentsAbsolute = header.flag();
      for (int i = 0; i < 4; i++) {
        segmentQuantizers[i] = header.optional(7);
      }
      for (int i = 0; i < 4; i++) {
        segmentLevels[i] = header.optional(6);
      }
    }
    if (segmentsMapped) {
      for (int i = 0; i < 3; i++) {
        segmentTree[i] = header.flag() ? header.number(8) : 255;
      }
    }
  }

  private Vp8Bits[] readFilterAndPartitions(int from) throws IOException {
    simpleFilter = header.flag();
    filterLevel = header.number(6);
    sharpness = header.number(3);
    filterDeltas = header.flag();
    if (filterDeltas && header.flag()) {
      for (int i = 0; i < 4; i++) {
        referenceDeltas[i] = header.flag() ? header.signed(6) : referenceDeltas[i];
      }
      for (int i = 0; i < 4; i++) {
        modeDeltas[i] = header.flag() ? header.signed(6) : modeDeltas[i];
      }
    }
    Vp8Bits[] found = new Vp8Bits[1 << header.number(2)];
    int at = from + 3 * (found.length - 1);
    for (int i = 0; i < found.length; i++) {
      boolean last = i == found.length - 1;
      if (at > end) {
        throw new IOException("it is truncated: a partition goes beyond its end");
      }
      int to = last ? end : at + int24(from + 3 * i);
      found[i] = new Vp8Bits(data, at, Math.min(to, end));
      at = to;
    }
    return found;
  }

  private void readSteps() {
    int base = header.number(7);
    int[] deltas = new int[5]; // DC of Y, DC and AC of Y2, DC and AC of UV
    for (int i = 0; i < 5; i++) {
      deltas[i] = header.optional(4);
    }
    for (int i = 0; i < 4; i++) {
      int q = base;
      if (segmented) {
        q = segmentQuantizers[i] + (segmentsAbsolute ? 0 : base);
      }
      steps[i][0] = step(Vp8Tables.DC_STEPS, q + deltas[0], 127);
      steps[i][1] = step(Vp8Tables.AC_STEPS, q, 127);
      steps[i][2] = 2 * step(Vp8Tables.DC_STEPS, q + deltas[1], 127);
      steps[i][3] = Math.max(8, step(Vp8Tables.AC_STEPS, q + deltas[2], 127) * 155 / 100);
      steps[i][4] = step(Vp8Tables.DC_STEPS, q + deltas[3], 117);
      steps[i][5] = step(Vp8Tables.AC_STEPS, q + deltas[4], 127);
    }
  }

  private static int step(int[] table, int index, int limit) {
    return table[Math.max(0, Math.min(limit, index))];
  }

  private void readProbabilities() {
    header.flag(); // whether later frames start from these probabilities
    for (int i = 0; i < tokens.length; i++) {
      if (header.bit(Vp8Tables.TOKEN_UPDATES[i]) != 0) {
        tokens[i] = header.number(8);
      }
    }
    if (header.flag()) {
      skipProbability = header.number(8);
    }
  }

  private void decodeMacroblocks() throws IOException {
    for (int y = 0; y < rows; y++) {
      Vp8Bits partition = partitions[y & partitions.length - 1];
      Arrays.fill(modesLeft, Vp8Prediction.DC);
      Arrays.fill(filledLeft, false);
      for (int x = 0; x < columns; x++) {
        readModes(x);
        readCoefficients(partition, x);
        int i = y * columns + x;
        filterSegment[i] = (byte) segment;
        byBlock[i] = mode == BY_BLOCK;
        filterInside[i] = mode == BY_BLOCK || !skipped;
        reconstruct(x, y);
      }
      header.checkEnd();
      partition.checkEnd();
    }
  }

  private void readModes(int x) {
    segment = 0;
    if (segmentsMapped) {
      segment =
          header.bit(segmentTree[0]) == 0
              ? header.bit(segmentTree[1])
              : 2 + header.bit(segmentTree[2]);
    }
    skipped = skipProbability >= 0 && header.bit(skipProbability) != 0;
    if (header.bit(145) != 0) {
      if (header.bit(156) == 0) {
        mode = header.bit(163) == 0 ? Vp8Prediction.DC : Vp8Prediction.VERTICAL;
      } else {
        mode = header.bit(128) == 0 ? Vp8Prediction.HORIZONTAL : Vp8Prediction.TRUE_MOTION;
      }
      Arrays.fill(modesLeft, mode);
      Arrays.fill(modesAbove, 4 * x, 4 * x + 4, mode);
    } else {
      mode = BY_BLOCK;
      for (int i = 0; i < 16; i++) {
        int column = 4 * x + i % 4;
        int row = i / 4;
        int context = (modesAbove[column] * BLOCK_MODES + modesLeft[row]) * (BLOCK_MODES - 1);
        int node = 0;
        do {
          int branch = header.bit(Vp8Tables.BLOCK_MODES[context + node / 2]);
          node = Vp8Tables.BLOCK_MODE_TREE[node + branch];
        } while (node > 0);
        blockModes[i] = -node;
        modesAbove[column] = -node;
        modesLeft[row] = -node;
      }
    }
    if (header.bit(142) == 0) {
      chromaMode = Vp8Prediction.DC;
    } else if (header.bit(114) == 0) {
      chromaMode = Vp8Prediction.VERTICAL;
    } else {
      chromaMode = header.bit(183) == 0 ? Vp8Prediction.HORIZONTAL : Vp8Prediction.TRUE_MOTION;
    }
  }

  private void readCoefficients(Vp8Bits bits, int x) {
    int above = 9 * x;
    if (skipped) {
      // The second-order block is left as it was where the macroblock has none.
      int count = mode == BY_BLOCK ? 8 : 9;
      Arrays.fill(filledLeft, 0, count, false);
      Arrays.fill(filledAbove, above, above + count, false);
      return;
    }
    Arrays.fill(coefficients, 0);
    int[] step = steps[segment];
    int first = 0;
    if (mode != BY_BLOCK) {
      int context = (filledAbove[above + 8] ? 1 : 0) + (filledLeft[8] ? 1 : 0);
      boolean filled = readBlock(bits, 1, context, 0, step[2], step[3], 24 * 16) > 0;
      filledAbove[above + 8] = filled;
      filledLeft[8] = filled;
      Vp8Plane.spread(coefficients, 24 * 16, coefficients);
      first = 1;
    }
    boolean empty = true;
    for (int i = 0; i < 24; i++) {
      // Blocks go 4 x 4 in Y, 2 x 2 in U and V; contexts are 4, 2 and 2 in a row.
      int column = i < 16 ? i % 4 : 4 + (i - 16) / 4 * 2 + i % 2;
      int row = i < 16 ? i / 4 : 4 + (i - 16) / 4 * 2 + i / 2 % 2;
      int context = (filledAbove[above + column] ? 1 : 0) + (filledLeft[row] ? 1 : 0);
      int count =
          i < 16
              ? readBlock(bits, first == 0 ? 3 : 0, context, first, step[0], step[1], 16 * i)
              : readBlock(bits, 2, context, 0, step[4], step[5], 16 * i);
      boolean filled = count > (i < 16 ? first : 0);
      filledAbove[above + column] = filled;
      filledLeft[row] = filled;
      lastOf[i] = count > 1 ? 2 : coefficients[16 * i] != 0 ? 1 : 0;
      empty &= lastOf[i] == 0;
    }
    skipped = empty;
  }

  /** Reads a block's coefficients; returns the position after the last. */
  private int readBlock(
      Vp8Bits bits, int type, int context, int first, int dcStep, int acStep, int at) {
    int p = probabilities(type, first, context);
    for (int n = first; n < 16; n++) {
      if (bits.bit(tokens[p]) == 0) {
        return n;
      }
      while (bits.bit(tokens[p + 1]) == 0) {
        if (++n == 16) {
          return 16;
        }
        p = probabilities(type, n, 0);
      }
      int v = 1;
      int next = 1;
      if (bits.bit(tokens[p + 2]) != 0) {
        v = readLarge(bits, p);
        next = 2;
      }
      v *= n > 0 ? acStep : dcStep;
      coefficients[at + Vp8Tables.ZIGZAG[n]] = bits.flag() ? -v : v;
      p = probabilities(type, n + 1, next);
    }
    return 16;
  }

  private int readLarge(Vp8Bits bits, int p) {
    if (bits.bit(tokens[p + 3]) == 0) {
      return bits.bit(tokens[p + 4]) == 0 ? 2 : 3 + bits.bit(tokens[p + 5]);
    }
    if (bits.bit(tokens[p + 6]) == 0) {
      if (bits.bit(tokens[p + 7]) == 0) {
        return 5 + bits.bit(159);
      }
      int high = bits.bit(165);
      return 7 + 2 * high + bits.bit(145);
    }
    int high = bits.bit(tokens[p + 8]);
    int category = 2 * high + bits.bit(tokens[p + 9 + high]);
    int v = 0;
    for (int probability : Vp8Tables.LARGE[category]) {
      v = 2 * v + bits.bit(probability);
    }
    return v + 3 + (8 << category);
  }

  private static int probabilities(int type, int position, int context) {
    return ((type * 8 + Vp8Tables.BANDS[position]) * 3 + context) * 11;
  }

  private void reconstruct(int x, int y) {
    int at = luma.index(16 * x, 16 * y);
    if (mode == BY_BLOCK) {
      reconstructBlocks(x, y, at);
    } else {
      Vp8Prediction.whole(luma, at, 16, mode, y > 0, x > 0);
      for (int i = 0; i < 16; i++) {
        add(luma, i, at + i / 4 * 4 * luma.stride + i % 4 * 4);
      }
    }
    for (int c = 0; c < 2; c++) {
      Vp8Plane plane = chroma[c];
      int corner = plane.index(8 * x, 8 * y);
      Vp8Prediction.whole(plane, corner, 8, chromaMode, y > 0, x > 0);
      for (int i = 0; i < 4; i++) {
        add(plane, 16 + 4 * c + i, corner + i / 2 * 4 * plane.stride + i % 2 * 4);
      }
    }
  }

  private void reconstructBlocks(int x, int y, int at) {
    int stride = luma.stride;
    // Above and to the right of the macroblock; its lower blocks use these samples, too.
    int[] beyond = new int[4];
    for (int i = 0; i < 4; i++) {
      boolean repeated = y > 0 && x == columns - 1;
      beyond[i] = y == 0 ? 127 : luma.get(at - stride + (repeated ? 15 : 16 + i));
    }
    int[] edge = new int[13];
    for (int i = 0; i < 16; i++) {
      int corner = at + i / 4 * 4 * stride + i % 4 * 4;
      for (int k = 0; k < 4; k++) {
        edge[k] = luma.get(corner + (3 - k) * stride - 1);
        edge[5 + k] = luma.get(corner - stride + k);
        edge[9 + k] = i % 4 == 3 ? beyond[k] : luma.get(corner - stride + 4 + k);
      }
      edge[4] = luma.get(corner - stride - 1);
      Vp8Prediction.block(luma, corner, blockModes[i], edge);
      add(luma, i, corner);
    }
  }

  private void add(Vp8Plane plane, int block, int at) {
    if (skipped || lastOf[block] == 0) {
      return;
    }
    if (lastOf[block] == 1) {
      plane.addConstant(coefficients[16 * block], at);
    } else {
      plane.addTransformed(coefficients, 16 * block, at);
    }
  }

  private void filter() {
    if (filterLevel == 0) {
      return;
    }
    Vp8LoopFilter.Strength[] strengths = new Vp8LoopFilter.Strength[8];
    for (int i = 0; i < 8; i++) {
      int level = filterLevel;
      if (segmented) {
        level = segmentLevels[i / 2] + (segmentsAbsolute ? 0 : filterLevel);
      }
      if (filterDeltas) {
        level += referenceDeltas[0] + (i % 2 == 1 ? modeDeltas[0] : 0);
      }
      strengths[i] = Vp8LoopFilter.Strength.of(level, sharpness);
    }
    for (int y = 0; y < rows; y++) {
      for (int x = 0; x < columns; x++) {
        int i = y * columns + x;
        Vp8LoopFilter.Strength strength = strengths[2 * filterSegment[i] + (byBlock[i] ? 1 : 0)];
        if (strength.limit() == 0) {
          continue;
        }
        boolean inside = filterInside[i];
        Vp8LoopFilter.macroblock(luma, 16 * x, 16 * y, 16, strength, inside, simpleFilter);
        if (!simpleFilter) {
          for (Vp8Plane plane : chroma) {
            Vp8LoopFilter.macroblock(plane, 8 * x, 8 * y, 8, strength, inside, false);
          }
        }
      }
    }
  }

  private int int24(int at) {
    return data[at] & 0xFF | (data[at + 1] & 0xFF) << 8 | (data[at + 2] & 0xFF) << 16;
  }
}
