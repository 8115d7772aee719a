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

  private final int size;

  TensorType(int size) {
    this.size = size;
  }

  /** Bytes of one element. */
  public int size() {
    return size;
  }

  /** Whether elements are numbers that {@link SafeTensors#floats} reads as floating point. */
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

  /** Reads one element of a floating-point type at a byte offset. */
  float floatAt(ByteBuffer bytes, int at) {
    return switch (this) {
      case F16 -> halfToFloat(bytes.getShort(at));
      case BF16 -> Float.intBitsToFloat(bytes.getShort(at) << 16);
      case F32 -> bytes.getFloat(at);
      case F64 -> (float) bytes.getDouble(at);
      default -> throw new IllegalArgumentException(this + " is not a floating-point type");
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
}
