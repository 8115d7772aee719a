package org.clip4j.image.internal.jpeg;

import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.NativeLong;
import com.sun.jna.Platform;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.PointerByReference;
import java.io.File;
import java.io.IOException;
import java.util.Map;
import org.clip4j.image.internal.Pixels;
import org.clip4j.io.IoErrors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * JPEG by the libjpeg-turbo within Leptonica, if the application has added the jar {@code
 * org.bytedeco:leptonica} of its platform, from which JNA takes the library.
 *
 * <p>Every call frees all that it took, so threads may call at once.
 */
final class Leptonica {
  /** Where the library needs no other; that for Windows comes with four more. */
  private static final Map<String, String> FILES =
      Map.of(
          "linux-x86-64", "linux-x86_64/libleptonica.so.6",
          "linux-aarch64", "linux-arm64/libleptonica.so.6",
          "darwin-x86-64", "macosx-x86_64/libleptonica.6.dylib",
          "darwin-aarch64", "macosx-arm64/libleptonica.6.dylib");

  private static final int NO_MESSAGES = 6; // L_SEVERITY_NONE

  private Leptonica() {}

  /** Found and loaded once, when first asked for. */
  private static final class Loaded {
    private static final boolean LIBRARY = load();

    private static boolean load() {
      Logger logger = LoggerFactory.getLogger(Leptonica.class);
      String resource =
          "org/bytedeco/leptonica/" + FILES.getOrDefault(Platform.RESOURCE_PREFIX, "none");
      ClassLoader loader = Leptonica.class.getClassLoader();
      if (TurboJpeg.isOff() || loader.getResource(resource) == null) {
        return false;
      }
      try {
        File file = Native.extractFromResourcePath("/" + resource, loader);
        Native.register(Library.class, NativeLibrary.getInstance(file.getAbsolutePath()));
        Library.setMsgSeverity(NO_MESSAGES);
        logger.debug("JPEG files are decoded by {}", resource);
        return true;
      } catch (IOException | LinkageError | RuntimeException e) {
        logger.warn(
            "{} on the class path cannot be used, JPEG files are decoded by the JDK instead: {}",
            resource,
            IoErrors.message(e));
        return false;
      }
    }
  }

  /** The functions of allheaders.h that are needed. */
  private static final class Library {
    static native int setMsgSeverity(int severity);

    static native Pointer pixReadMemJpeg(
        byte[] jpeg,
        NativeLong length,
        int colormap,
        int reduction,
        IntByReference warnings,
        int hint);

    static native int pixGetWidth(Pointer pix);

    static native int pixGetHeight(Pointer pix);

    static native int pixGetDepth(Pointer pix);

    static native int pixGetWpl(Pointer pix);

    static native Pointer pixGetData(Pointer pix);

    static native void pixDestroy(PointerByReference pix);
  }

  static boolean isAvailable() {
    return Loaded.LIBRARY;
  }

  /**
   * Decodes gray, or luma and chroma, to RGB.
   *
   * @param jpeg a whole file with the size given
   * @return null if the library finds anything wrong
   */
  static Pixels decode(byte[] jpeg, int width, int height) {
    IntByReference warnings = new IntByReference();
    Pointer pix = Library.pixReadMemJpeg(jpeg, new NativeLong(jpeg.length), 0, 1, warnings, 0);
    if (pix == null) {
      return null;
    }
    try {
      int depth = Library.pixGetDepth(pix);
      if (warnings.getValue() != 0
          || Library.pixGetWidth(pix) != width
          || Library.pixGetHeight(pix) != height
          || depth != 8 && depth != 32) {
        return null;
      }
      byte[] rgb = new byte[width * height * 3];
      int[] words = new int[Library.pixGetWpl(pix)];
      Pointer data = Library.pixGetData(pix);
      for (int y = 0; y < height; y++) {
        data.read((long) y * words.length * Integer.BYTES, words, 0, words.length);
        unpack(words, depth, rgb, y * width * 3, width);
      }
      return new Pixels(width, height, rgb);
    } finally {
      Library.pixDestroy(new PointerByReference(pix));
    }
  }

  /** A row: red, green and blue from a word's highest bits on, or the gray of four pixels. */
  private static void unpack(int[] words, int depth, byte[] rgb, int start, int width) {
    int o = start;
    for (int x = 0; x < width; x++) {
      if (depth == 32) {
        int word = words[x];
        rgb[o] = (byte) (word >>> 24);
        rgb[o + 1] = (byte) (word >>> 16);
        rgb[o + 2] = (byte) (word >>> 8);
      } else {
        byte gray = (byte) (words[x / 4] >>> 24 - x % 4 * 8);
        rgb[o] = gray;
        rgb[o + 1] = gray;
        rgb[o + 2] = gray;
      }
      o += 3;
    }
  }
}
