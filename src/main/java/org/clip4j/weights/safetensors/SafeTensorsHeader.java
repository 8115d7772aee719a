package org.clip4j.weights.safetensors;

import com.google.gson.JsonParseException;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.MalformedJsonException;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.clip4j.io.FileBytes;
import org.clip4j.io.IoErrors;
import org.clip4j.io.JsonFile;
import org.clip4j.weights.tensors.CheckpointException;
import org.clip4j.weights.tensors.TensorInfo;
import org.clip4j.weights.tensors.TensorType;

/**
 * The header of a safetensors file, parsed without trusting it: nothing is allocated by a size that
 * the file only claims, and every tensor is known to lie inside the file before one is read.
 */
final class SafeTensorsHeader {
  /**
   * The format allows 100 MB. A model's header takes about 100 bytes a tensor; the limit keeps what
   * a hostile one may cost in memory and time within bounds.
   */
  static final long MAX_HEADER_BYTES = 8_000_000;

  /** More dimensions than any tensor library takes. */
  private static final int MAX_DIMENSIONS = 64;

  /** Far more than any model has. */
  static final int MAX_TENSORS = 100_000;

  private static final String LARGEST = Long.toString(Long.MAX_VALUE);

  /** Where the first tensor's values begin in the file. */
  final long dataStart;

  /** By name, in the order of their values in the file. */
  final Map<String, TensorInfo> tensors;

  /** Where the values of each tensor lie. */
  final Map<String, Span> spans;

  /** Free text under {@code __metadata__}. */
  final Map<String, String> metadata;

  private SafeTensorsHeader(long dataStart, List<Span> spans, Map<String, String> metadata) {
    this.dataStart = dataStart;
    Map<String, TensorInfo> infos = new LinkedHashMap<>();
    this.spans = new HashMap<>();
    for (Span span : spans) {
      infos.put(span.info.name(), span.info);
      this.spans.put(span.info.name(), span);
    }
    tensors = Collections.unmodifiableMap(infos);
    this.metadata = Collections.unmodifiableMap(metadata);
  }

  /** Reads and checks the header of an open file. */
  static SafeTensorsHeader read(Path file, FileChannel channel) throws IOException {
    return new Parser(file, channel).parse();
  }

  /** A tensor and where its values lie, counted from the end of the header. */
  record Span(TensorInfo info, long begin, long end) {}

  private static final class Parser {
    private final Path file;
    private final FileChannel channel;
    private final Set<String> names = new HashSet<>();
    private final List<Span> spans = new ArrayList<>();
    private final Map<String, String> metadata = new LinkedHashMap<>();
    private boolean metadataSeen;

    Parser(Path file, FileChannel channel) {
      this.file = file;
      this.channel = channel;
    }

    SafeTensorsHeader parse() throws IOException {
      long fileBytes = channel.size();
      if (fileBytes < 10) { // the length and an empty object
        throw bad("it has " + fileBytes + " bytes, fewer than the 10 of an empty one");
      }
      ByteBuffer prefix = read(0, 9);
      long headerBytes = prefix.getLong(0);
      if (headerBytes < 2 || headerBytes > MAX_HEADER_BYTES) {
        throw bad(
            "its first 8 bytes claim a header of "
                + Long.toUnsignedString(headerBytes)
                + " bytes; allowed are 2 to "
                + MAX_HEADER_BYTES);
      }
      if (headerBytes > fileBytes - 8) {
        throw bad(
            "its header claims "
                + headerBytes
                + " bytes but only "
                + (fileBytes - 8)
                + " follow; was the download cut short?");
      }
      if (prefix.get(8) != '{') {
        throw bad("its header does not start with '{'");
      }
      parseJson((int) headerBytes);
      long dataStart = 8 + headerBytes;
      checkLayout(fileBytes - dataStart);
      return new SafeTensorsHeader(dataStart, spans, metadata);
    }

    private ByteBuffer read(long at, int count) throws IOException {
      ByteBuffer bytes = FileBytes.read(channel, at, count);
      if (bytes.remaining() < count) {
        throw bad("it became shorter while it was read");
      }
      return bytes;
    }

    private void parseJson(int headerBytes) throws IOException {
      JsonReader json = JsonFile.reader(read(8, headerBytes).array());
      try {
        readTensors(json);
        if (json.peek() != JsonToken.END_DOCUMENT) {
          throw bad("its header goes on after the closing '}'");
        }
      } catch (MalformedJsonException
          | EOFException
          | CharacterCodingException
          | JsonParseException
          | IllegalStateException e) {
        throw new CheckpointException(
            prefix() + "its header is not a JSON object of tensors: " + IoErrors.message(e), e);
      }
    }

    private void readTensors(JsonReader json) throws IOException {
      json.beginObject();
      while (json.hasNext()) {
        String name = json.nextName();
        if (name.equals("__metadata__")) {
          if (metadataSeen) {
            throw bad("__metadata__ is there twice");
          }
          metadataSeen = true;
          readMetadata(json);
        } else {
          spans.add(readTensor(json, name));
          if (!names.add(name)) {
            throw bad(IoErrors.quote(name) + " is there twice");
          }
          if (names.size() > MAX_TENSORS) {
            throw bad("it has more than " + MAX_TENSORS + " tensors");
          }
        }
      }
      json.endObject();
    }

    private void readMetadata(JsonReader json) throws IOException {
      json.beginObject();
      while (json.hasNext()) {
        String key = json.nextName();
        expect(json, JsonToken.STRING, "__metadata__", key);
        if (metadata.put(key, json.nextString()) != null) {
          throw bad("__metadata__ has " + IoErrors.quote(key) + " twice");
        }
        if (metadata.size() > MAX_TENSORS) {
          throw bad("__metadata__ has more than " + MAX_TENSORS + " texts");
        }
      }
      json.endObject();
    }

    private Span readTensor(JsonReader json, String name) throws IOException {
      TensorType type = null;
      List<Long> shape = null;
      List<Long> offsets = null;
      expect(json, JsonToken.BEGIN_OBJECT, name, "the entry");
      json.beginObject();
      while (json.hasNext()) {
        String key = json.nextName();
        boolean again =
            switch (key) {
              case "dtype" -> type != null;
              case "shape" -> shape != null;
              case "data_offsets" -> offsets != null;
              default ->
                  throw bad(IoErrors.quote(name) + " has an unknown field " + IoErrors.quote(key));
            };
        if (again) {
          throw bad(IoErrors.quote(name) + " has " + key + " twice");
        }
        switch (key) {
          case "dtype" -> type = readType(json, name);
          case "shape" -> shape = readNumbers(json, name, key, MAX_DIMENSIONS);
          default -> offsets = readNumbers(json, name, key, 2);
        }
      }
      json.endObject();
      if (type == null || shape == null || offsets == null) {
        throw bad(IoErrors.quote(name) + " lacks one of dtype, shape and data_offsets");
      }
      if (offsets.size() != 2) {
        throw bad(IoErrors.quote(name) + " has " + offsets.size() + " data_offsets; it needs 2");
      }
      checkSize(name, type, shape, offsets);
      return new Span(new TensorInfo(name, type, shape), offsets.get(0), offsets.get(1));
    }

    private TensorType readType(JsonReader json, String name) throws IOException {
      expect(json, JsonToken.STRING, name, "dtype");
      String value = json.nextString();
      for (TensorType type : TensorType.values()) {
        if (type.name().equals(value)) {
          return type;
        }
      }
      throw bad(
          IoErrors.quote(name)
              + " has dtype "
              + IoErrors.quote(value)
              + "; known are "
              + Arrays.toString(TensorType.values()));
    }

    private List<Long> readNumbers(JsonReader json, String name, String key, int limit)
        throws IOException {
      List<Long> values = new ArrayList<>();
      expect(json, JsonToken.BEGIN_ARRAY, name, key);
      json.beginArray();
      while (json.hasNext()) {
        expect(json, JsonToken.NUMBER, name, key);
        String digits = json.nextString();
        if (!isWholeNumber(digits)) {
          throw bad(
              IoErrors.quote(name)
                  + " has "
                  + IoErrors.quote(digits)
                  + " in "
                  + key
                  + ", no whole number");
        }
        if (values.size() == limit) {
          throw bad(IoErrors.quote(name) + " has more than " + limit + " numbers in " + key);
        }
        values.add(Long.parseLong(digits));
      }
      json.endArray();
      return values;
    }

    /** Whether a text is the plain form of a number from 0 to the largest long. */
    private static boolean isWholeNumber(String digits) {
      int length = digits.length();
      if (length == 0 || length > LARGEST.length() || length > 1 && digits.charAt(0) == '0') {
        return false;
      }
      for (int i = 0; i < length; i++) {
        if (digits.charAt(i) < '0' || digits.charAt(i) > '9') {
          return false;
        }
      }
      return length < LARGEST.length() || digits.compareTo(LARGEST) <= 0;
    }

    private void checkSize(String name, TensorType type, List<Long> shape, List<Long> offsets)
        throws CheckpointException {
      long bytes = type.size();
      try {
        for (long dim : shape) {
          bytes = Math.multiplyExact(bytes, dim);
        }
      } catch (ArithmeticException e) {
        throw bad(IoErrors.quote(name) + " has a shape " + shape + " that overflows");
      }
      if (offsets.get(1) < offsets.get(0) || offsets.get(1) - offsets.get(0) != bytes) {
        throw bad(
            IoErrors.quote(name)
                + " has data_offsets "
                + offsets
                + " but "
                + type
                + " "
                + shape
                + " takes "
                + bytes
                + " bytes");
      }
    }

    /** Values follow each other from the first byte after the header to the last of the file. */
    private void checkLayout(long dataBytes) throws CheckpointException {
      spans.sort(Comparator.comparingLong(Span::begin).thenComparingLong(Span::end));
      long at = 0;
      for (Span span : spans) {
        if (span.begin != at) {
          throw bad(
              IoErrors.quote(span.info.name())
                  + " begins at byte "
                  + span.begin
                  + " of the data but the tensor before it ends at "
                  + at
                  + (span.begin > at ? ": a hole" : ": they overlap"));
        }
        if (span.end > dataBytes) {
          throw bad(
              IoErrors.quote(span.info.name())
                  + " ends at byte "
                  + span.end
                  + " of the data but the file has "
                  + dataBytes
                  + "; was the download cut short?");
        }
        at = span.end;
      }
      if (at != dataBytes) {
        throw bad("its tensors take " + at + " bytes but " + dataBytes + " follow the header");
      }
    }

    private void expect(JsonReader json, JsonToken wanted, String owner, String key)
        throws IOException {
      JsonToken found = json.peek();
      if (found != wanted) {
        throw bad(IoErrors.quote(owner) + ": " + key + " is a " + found + ", expected a " + wanted);
      }
    }

    private String prefix() {
      return file + " is not a valid safetensors file: ";
    }

    private CheckpointException bad(String what) {
      return new CheckpointException(prefix() + what);
    }
  }
}
