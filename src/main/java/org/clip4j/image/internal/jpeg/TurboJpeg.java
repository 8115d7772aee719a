package org.clip4j.image.internal.jpeg;

import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.NativeLong;
import com.sun.jna.Pointer;
import java.io.File;
import java.util.ArrayList;
import java.util.List;
import org.clip4j.image.internal.Pixels;
import org.clip4j.io.IoErrors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * JPEG by the TurboJPEG library of libjpeg-turbo, if this machine has it. It is looked for when the
 * first JPEG is decoded; where it is not there, that costs a look into a few folders.
 *
 * <p>Every call has a decoder of its own and frees all that it took, so threads may call at once.
 */
final class TurboJpeg {
  /** The library's file, or "off". */
  private static final String PROPERTY = "org.clip4j.turbojpeg";

  private static final String OFF = "off";

  private static final List<String> NAMES =
      List.of("libturbojpeg.so.0", "libturbojpeg.so", "libturbojpeg.dylib", "turbojpeg.dll");

  /** Where installers put it, beside what the JVM searches itself. */
  private static final List<String> FOLDERS =
      List.of(
          "/usr/lib/x86_64-linux-gnu", // of Debian and Ubuntu, which their own JDKs search alone
          "/usr/lib/aarch64-linux-gnu",
          "/usr/lib64",
          "/usr/local/lib",
          "/usr/local/lib64",
          "/opt/libjpeg-turbo/lib64",
          "/opt/libjpeg-turbo/lib",
          "/opt/homebrew/lib",
          "C:\\libjpeg-turbo64\\bin");

  private static final int RGB = 0; // TJPF_RGB
  // Warnings are errors, so that what is damaged looks as it does without this library
  // (TJFLAG_STOPONWARNING); the exact inverse transform (TJFLAG_ACCURATEDCT).
  private static final int FLAGS = 8192 | 4096;

  private TurboJpeg() {}

  /** Found and loaded once, when first asked for. */
  private static final class Loaded {
    private static final boolean LIBRARY = load();

    private static boolean load() {
      Logger logger = LoggerFactory.getLogger(TurboJpeg.class);
      String file = find();
      if (file == null) {
        return false;
      }
      try {
        Native.register(Library.class, NativeLibrary.getInstance(file));
        logger.debug("JPEG files are decoded by {}", file);
        return true;
      } catch (LinkageError | RuntimeException e) {
        logger.warn(
            "{} cannot be used, JPEG files are decoded by the JDK instead (-D{}={} is silent about"
                + " it): {}",
            file,
            PROPERTY,
            OFF,
            IoErrors.message(e));
        return false;
      }
    }

    private static String find() {
      String named = System.getProperty(PROPERTY);
      if (named != null && !named.isBlank()) {
        return named.equals(OFF) ? null : named;
      }
      List<String> folders =
          new ArrayList<>(
              List.of(System.getProperty("java.library.path", "").split(File.pathSeparator)));
      folders.addAll(FOLDERS);
      for (String folder : folders) {
        for (String name : NAMES) {
          File file = new File(folder, name);
          if (!folder.isEmpty() && file.isFile()) {
            return file.getAbsolutePath();
          }
        }
      }
      return null;
    }
  }

  /** The functions of turbojpeg.h that are needed; they are in every version since 1.2. */
  private static final class Library {
    static native Pointer tjInitDecompress();

    static native int tjDecompress2(
        Pointer handle,
        byte[] jpeg,
        NativeLong length,
        Pointer pixels,
        int width,
        int pitch,
        int height,
        int format,
        int flags);

    static native int tjDestroy(Pointer handle);
  }

  /** Whether libjpeg-turbo is to be left alone. */
  static boolean isOff() {
    return OFF.equals(System.getProperty(PROPERTY));
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
    Pointer handle = Library.tjInitDecompress();
    if (handle == null) {
      return null;
    }
    byte[] rgb = new byte[width * height * 3];
    try (Memory pixels = new Memory(rgb.length)) {
      NativeLong length = new NativeLong(jpeg.length);
      int row = width * 3;
      int status =
          Library.tjDecompress2(handle, jpeg, length, pixels, width, row, height, RGB, FLAGS);
      if (status != 0) {
        return null;
      }
      pixels.read(0, rgb, 0, rgb.length);
      return new Pixels(width, height, rgb);
    } finally {
      Library.tjDestroy(handle);
    }
  }
}
