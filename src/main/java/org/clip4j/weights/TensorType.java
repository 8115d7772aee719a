package org.clip4j.weights;

import java.nio.ByteBuffer;

/** Element types of the safetensors format, in the order by which its Python library sorts. */
public enum TensorType {
  BOOL(1),
  U8(1),
  I8(1),
  F8_E5M2(1),
  F8_E4M3(1),
  F8_E8M0(1),
  I16(2),
  U16(2),
  F16(2),
  BF16(2),
  I32(4),
  U32(4),
  F32(4),
  C64(8),
  F64(8),
  I64(8),
  U64(8);

  static final short HALF_INFINITY = 0x7C00;
  static final short BFLOAT_INFINITY = 0x7F80;

  private final int size;

  TensorType(int size) {
    this.size = size;
  }

  /** PyTorch's name of a type that weights are saved in. */
  String torchName() {
    return switch (this) {
      case F16 -> "float16";
      case BF16 -> "bfloat16";
      case F32 -> "float32";
      default -> throw new IllegalArgumentException("weights are not saved as " + this);
    };
  }

  /** Bytes of one element. */
  public int size() {
    return size;
  }

  /** Whether elements are numbers that {@link TensorFile#copy} reads as floating point. */
  boolean isFloat() {
    return this == F16 || this == BF16 || this == F32 || this == F64;
  }

  /** Whether elements are integers that fit a long. */
  boolean isInteger() {
    return switch (this) {
      case BOOL, U8, I8, I16, U16, I32, U32, I64 -> true;
      default -> false;
    };
  }

  /** Reads one element at a byte offset, as a float. */
  float floatAt(ByteBuffer bytes, int at) {
    return switch (this) {
      case F16 -> halfToFloat(bytes.getShort(at));
      case BF16 -> Float.intBitsToFloat(bytes.getShort(at) << 16);
      case F32 -> bytes.getFloat(at);
      case F64 -> (float) bytes.getDouble(at);
      default -> longAt(bytes, at);
    };
  }

  /** Reads one element of an integer type at a byte offset. */
  long longAt(ByteBuffer bytes, int at) {
    return switch (this) {
      case BOOL, U8 -> bytes.get(at) & 0xFF;
      case I8 -> bytes.get(at);
      case I16 -> bytes.getShort(at);
      case U16 -> bytes.getShort(at) & 0xFFFF;
      case I32 -> bytes.getInt(at);
      case U32 -> bytes.getInt(at) & 0xFFFFFFFFL;
      case I64 -> bytes.getLong(at);
      default -> throw new IllegalArgumentException(this + " is not an integer type");
    };
  }

  /** IEEE 754 binary16 to binary32, exact for every value (Java 17 has no such method). */
  static float halfToFloat(short half) {
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
  static short floatToHalf(float value) {
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
  static short floatToBfloat(float value) {
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
