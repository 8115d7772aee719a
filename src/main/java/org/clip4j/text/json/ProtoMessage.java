package org.clip4j.text.json;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * Reads a message of protocol buffers (the wire format), field after field; what it says of lengths
 * is checked.
 */
final class ProtoMessage {
  private final Path file;
  private final ByteBuffer bytes;
  private int field;
  private int wire;

  ProtoMessage(Path file, byte[] bytes) {
    this(file, ByteBuffer.wrap(bytes));
  }

  private ProtoMessage(Path file, ByteBuffer bytes) {
    this.file = file;
    this.bytes = bytes.order(ByteOrder.LITTLE_ENDIAN);
  }

  private TokenizerFormatException bad(String problem) {
    return new TokenizerFormatException(
        file + " is no model of SentencePiece, or damaged: " + problem);
  }

  /** Returns the number of the field that {@link #next} went to. */
  int field() {
    return field;
  }

  /** Goes to the next field; what the last one had is skipped unless it was read. */
  boolean next() throws TokenizerFormatException {
    skip();
    if (!bytes.hasRemaining()) {
      return false;
    }
    long key = varint();
    field = (int) (key >>> 3);
    wire = (int) (key & 7);
    return true;
  }

  private void skip() throws TokenizerFormatException {
    switch (wire) {
      case 0 -> {
        if (field != 0) {
          varint();
        }
      }
      case 1 -> take(8);
      case 2 -> take(length());
      case 5 -> take(4);
      default -> throw bad("a field has the wire type " + wire);
    }
    field = 0;
    wire = 0;
  }

  private ByteBuffer value(int expected, int size) throws TokenizerFormatException {
    if (wire != expected) {
      throw bad("field " + field + " has the wire type " + wire);
    }
    field = 0;
    wire = 0;
    return take(size);
  }

  private ByteBuffer take(int size) throws TokenizerFormatException {
    if (size < 0 || size > bytes.remaining()) {
      throw bad("it is cut off");
    }
    ByteBuffer part = bytes.slice(bytes.position(), size).order(ByteOrder.LITTLE_ENDIAN);
    bytes.position(bytes.position() + size);
    return part;
  }

  private int length() throws TokenizerFormatException {
    long length = varint();
    return length < 0 || length > bytes.remaining() ? -1 : (int) length;
  }

  private long varint() throws TokenizerFormatException {
    long value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (!bytes.hasRemaining()) {
        throw bad("it is cut off");
      }
      byte b = bytes.get();
      value |= (long) (b & 0x7f) << shift;
      if (b >= 0) {
        return value;
      }
    }
    throw bad("a number has no end");
  }

  private ByteBuffer part() throws TokenizerFormatException {
    if (wire != 2) {
      throw bad("field " + field + " has the wire type " + wire);
    }
    return value(2, length());
  }

  ProtoMessage message() throws TokenizerFormatException {
    return new ProtoMessage(file, part());
  }

  byte[] bytes() throws TokenizerFormatException {
    ByteBuffer part = part();
    byte[] copy = new byte[part.remaining()];
    part.get(copy);
    return copy;
  }

  String text() throws TokenizerFormatException {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(part()).toString();
    } catch (CharacterCodingException e) {
      throw bad("a piece is not UTF-8");
    }
  }

  float number() throws TokenizerFormatException {
    return value(5, 4).getFloat();
  }

  int whole() throws TokenizerFormatException {
    if (wire != 0) {
      throw bad("field " + field + " has the wire type " + wire);
    }
    field = 0;
    return (int) varint();
  }
}
