package org.clip4j.weights.internal;

import java.nio.ByteBuffer;
import org.clip4j.weights.tensors.TensorType;

/** Converts the numbers of weight files, element by element. */
public final class Numbers {
  public static final short HALF_INFINITY = 0x7C00;
  public static final short BFLOAT_INFINITY = 0x7F80;

  private Numbers() {}

  /** Reads one element at a byte offset, as a float. */
  public static float floatAt(TensorType type, ByteBuffer bytes, int at) {
    return switch (type) {
      case F16 -> halfToFloat(bytes.getShort(at));
      case BF16 -> Float.intBitsToFloat(bytes.getShort(at) << 16);
      case F32 -> bytes.getFloat(at);
      case F64 -> (float) bytes.getDouble(at);
      default -> longAt(type, bytes, at);
    };
  }

  /** Reads one element of an integer type at a byte offset. */
  public static long longAt(TensorType type, ByteBuffer bytes, int at) {
    return switch (type) {
      case BOOL, U8 -> bytes.get(at) & 0xFF;
      case I8 -> bytes.get(at);
      case I16 -> bytes.getShort(at);
      case U16 -> bytes.getShort(at) & 0xFFFF;
      case I32 -> bytes.getInt(at);
      case U32 -> bytes.getInt(at) & 0xFFFFFFFFL;
      case I64 -> bytes.getLong(at);
      default -> throw new IllegalArgumentException(type + " is not an integer type");
    };
  }

  /** IEEE 754 binary16 to binary32, exact for every value (Java 17 has no such method). */
  public static float halfToFloat(short half) {
    int sign = (half & 0x8000) << 16;
    int exponent = (half >> 10) & 0x1F;
    int fraction = half & 0x3FF;
    if (exponent == 0) {
      float subnormal = fraction * 0x1p-24f; // exact: 10 bits times a power of two
      return sign == 0 ? subnormal : -subnormal;
    }
    int rebiased = exponent == 0x1F ? 0xFF : exponent + (127 - 15); // infinities and NaNs stay
    return Float.intBitsToFloat(sign | rebiased << 23 | fraction << 13);
  }

  /** binary32 to binary16, to the nearest, to even where halfway; too large becomes infinite. */
  public static short floatToHalf(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = bits >>> 16 & 0x8000;
    float magnitude = Math.abs(value);
    if (Float.isNaN(value)) {
      return (short) (sign | 0x7E00);
    }
    if (magnitude < 0x1p-14f) {
      // A subnormal counts units of 2^-24; rint rounds to even. 1024 of them are the least normal.
      return (short) (sign | (int) Math.rint(magnitude * 0x1p24));
    }
    if (magnitude >= 65520) { // halfway between the largest, 65504, and what would come next
      return (short) (sign | HALF_INFINITY);
    }
    int rebiased = (bits & 0x7FFFFFFF) - ((127 - 15) << 23);
    return (short) (sign | roundToEven(rebiased, 13));
  }

  /** binary32 to its upper half, to the nearest, to even where halfway. */
  public static short floatToBfloat(float value) {
    int bits = Float.floatToRawIntBits(value);
    return Float.isNaN(value)
        ? (short) (bits >>> 16 & 0x8000 | 0x7FC0)
        : (short) roundToEven(bits, 16);
  }

  /** Drops low bits; a carry out of the fraction moves into the exponent, as it should. */
  private static int roundToEven(int bits, int dropped) {
    int half = (1 << dropped - 1) - 1;
    return bits + half + (bits >>> dropped & 1) >>> dropped;
  }
}
