package org.clip4j.spark;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.List;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.BinaryType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.IntegerType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.util.SerializableConfiguration;
import org.clip4j.encode.ImageSource;
import org.clip4j.image.ImageDecoder;
import org.clip4j.image.RgbImage;
import org.clip4j.io.IoErrors;
import org.jspecify.annotations.Nullable;

/**
 * Reads images from a column.
 *
 * @param kind what the column holds
 * @param index of the column
 * @param files how Spark's files are reached
 */
record ImageColumn(Kind kind, int index, SerializableConfiguration files) implements Serializable {
  static final String WANTED =
      "binary (the content of image files), string (their paths), a row of Spark's binaryFile"
          + " source (path, content) or Spark's image struct";

  /** What a column of images may hold. */
  enum Kind {
    CONTENT,
    PATH,
    BINARY_FILE,
    IMAGE
  }

  /** Says what a column holds; null if it is no images. */
  static @Nullable Kind kindOf(StructField column) {
    DataType type = column.dataType();
    if (type instanceof BinaryType) {
      return Kind.CONTENT;
    }
    if (type instanceof StringType) {
      return Kind.PATH;
    }
    if (has(type, "path", StringType.class) && has(type, "content", BinaryType.class)) {
      return Kind.BINARY_FILE;
    }
    return has(type, "height", IntegerType.class)
            && has(type, "width", IntegerType.class)
            && has(type, "nChannels", IntegerType.class)
            && has(type, "data", BinaryType.class)
        ? Kind.IMAGE
        : null;
  }

  private static boolean has(DataType type, String name, Class<? extends DataType> wanted) {
    return type instanceof StructType struct
        && struct.getFieldIndex(name).isDefined()
        && wanted.isInstance(struct.apply(name).dataType());
  }

  /** Roughly the bytes that a row holds. */
  long bytes(Row row) {
    Object value = row.get(index);
    if (value instanceof byte[] content) {
      return content.length;
    }
    if (value instanceof Row struct) {
      byte[] data = struct.getAs(kind == Kind.IMAGE ? "data" : "content");
      return data == null ? 0 : data.length;
    }
    return 1 << 18; // a file, which is read later
  }

  /** Returns a row's image, which is read later; null if there is none. */
  @Nullable ImageSource image(Row row) {
    Object value = row.get(index);
    if (value == null) {
      return null;
    }
    return switch (kind) {
      case CONTENT -> ImageSource.of((byte[]) value, "the image");
      case PATH -> new StoredImage((String) value, files);
      case BINARY_FILE -> {
        Row file = (Row) value;
        byte[] content = file.getAs("content");
        String path = file.getAs("path");
        yield content == null ? null : ImageSource.of(content, path == null ? "the image" : path);
      }
      case IMAGE -> new SparkImage((Row) value);
    };
  }

  /** An image file of any file system that Spark reads. */
  private record StoredImage(String name, SerializableConfiguration files) implements ImageSource {
    @Override
    public RgbImage read() throws IOException {
      ImageDecoder decoder = ImageDecoder.defaults();
      try (InputStream in = open()) {
        return decoder.read(in, name);
      }
    }

    private InputStream open() throws IOException {
      try {
        return open(new Path(name));
      } catch (FileNotFoundException e) {
        return openUri(e);
      } catch (RuntimeException e) { // also where a file system has no class here
        throw new IOException("'" + name + "' cannot be opened: " + IoErrors.message(e), e);
      }
    }

    /** Spark's input_file_name() and Java's URIs write a space as %20; Hadoop's paths do not. */
    private InputStream openUri(FileNotFoundException asPath) throws IOException {
      try {
        URI uri = new URI(name);
        if (uri.isAbsolute() && name.indexOf('%') >= 0) {
          return open(new Path(uri));
        }
      } catch (URISyntaxException | FileNotFoundException e) { // it is not there either
      }
      throw asPath;
    }

    private InputStream open(Path path) throws IOException {
      return path.getFileSystem(files.value()).open(path);
    }
  }

  /** Spark's own struct of an image: pixels in rows, in OpenCV's order of channels. */
  private record SparkImage(Row image) implements ImageSource {
    private static final int UNDEFINED = -1; // what Spark says of a file that it cannot decode

    @Override
    public String name() {
      Object origin =
          image.schema().getFieldIndex("origin").isDefined() ? image.getAs("origin") : null;
      return origin == null || origin.equals("") ? "the image" : origin.toString();
    }

    @Override
    public RgbImage read() throws IOException {
      for (String field : List.of("height", "width", "nChannels", "data")) {
        if (image.getAs(field) == null) {
          throw new IOException(name() + " has no pixels: its image struct has no " + field);
        }
      }
      int height = image.getAs("height");
      int width = image.getAs("width");
      int channels = image.getAs("nChannels");
      byte[] data = image.getAs("data");
      if (height == UNDEFINED && width == UNDEFINED) {
        throw new IOException(name() + " has no pixels: Spark could not decode it");
      }
      if (height < 1
          || width < 1
          || (channels != 1 && channels != 3 && channels != 4)
          || (long) height * width * channels != data.length) {
        throw new IOException(
            name()
                + " has no 8-bit pixels: its image struct says "
                + width
                + " x "
                + height
                + " with "
                + channels
                + " channels, and has "
                + data.length
                + " bytes");
      }
      if ((long) height * width > ImageDecoder.DEFAULT_MAX_PIXELS) {
        throw new IOException(
            name() + " has more than " + ImageDecoder.DEFAULT_MAX_PIXELS + " pixels");
      }
      return new RgbImage(width, height, rgb(data, channels));
    }

    /** From gray, BGR or BGRA; alpha is left out, as Python's {@code convert("RGB")} does. */
    private static byte[] rgb(byte[] data, int channels) {
      int pixels = data.length / channels;
      byte[] rgb = new byte[3 * pixels];
      for (int i = 0; i < pixels; i++) {
        for (int c = 0; c < 3; c++) {
          rgb[3 * i + c] = data[channels == 1 ? i : channels * i + 2 - c];
        }
      }
      return rgb;
    }
  }
}
