package org.clip4j;

import ai.djl.modality.cv.Image;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.clip4j.encode.ImageSource;
import org.clip4j.image.ImageDecoder;
import org.clip4j.image.RgbImage;

/** Makes sources of what stands in a list of images. */
final class ListedImages {
  private ListedImages() {}

  /** A stream, read when its turn comes, so that a list of them is not in memory at once. */
  private record Stream(InputStream in, String name, ImageDecoder decoder) implements ImageSource {
    @Override
    public RgbImage read() throws IOException {
      return decoder.read(in, name);
    }
  }

  /** Makes one of each, named by its place in the list if it has no name of its own. */
  static List<ImageSource> sources(List<?> images, ImageDecoder decoder) {
    List<ImageSource> sources = new ArrayList<>(images.size());
    for (Object image : images) {
      sources.add(source(image, sources.size() + 1, decoder));
    }
    return sources;
  }

  private static ImageSource source(Object image, int number, ImageDecoder decoder) {
    String name = "image " + number + " of the list";
    if (image instanceof ImageSource source) {
      return source;
    }
    if (image instanceof Path file) {
      return ImageSource.of(file, decoder);
    }
    if (image instanceof byte[] data) {
      return ImageSource.of(data, name, decoder);
    }
    if (image instanceof InputStream in) {
      return new Stream(in, name, decoder);
    }
    if (image instanceof BufferedImage buffered) {
      return ImageSource.of(buffered, decoder);
    }
    if (image instanceof Image djl) {
      return ImageSource.of(djl, decoder);
    }
    if (image instanceof RgbImage rgb) {
      return ImageSource.of(rgb);
    }
    throw new IllegalArgumentException(
        name
            + " is "
            + (image == null ? "null" : "a " + image.getClass().getName())
            + "; it may be a Path, byte[], InputStream, BufferedImage, DJL Image, RgbImage or"
            + " ImageSource");
  }
}
