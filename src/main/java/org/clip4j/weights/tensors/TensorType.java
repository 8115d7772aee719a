package org.clip4j.weights.tensors;

/**
 * Names the element types of the safetensors format, in the order by which its Python library
 * sorts.
 */
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

  /** Returns the bytes of one element. */
  public int size() {
    return size;
  }

  /** Returns whether elements are numbers that {@link TensorFile#copy} reads as floating point. */
  public boolean isFloat() {
    return this == F16 || this == BF16 || this == F32 || this == F64;
  }

  /** Returns whether elements are integers that fit a long. */
  public boolean isInteger() {
    return switch (this) {
      case BOOL, U8, I8, I16, U16, I32, U32, I64 -> true;
      default -> false;
    };
  }
}
