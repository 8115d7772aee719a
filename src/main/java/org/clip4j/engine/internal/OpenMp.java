package org.clip4j.engine.internal;

import com.sun.jna.Function;
import com.sun.jna.NativeLibrary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** Sets the number of threads with which the calling thread's native kernels compute. */
final class OpenMp {
  private OpenMp() {}

  /**
   * Computes on one thread what would otherwise be computed on all. The number is the calling
   * thread's own: others go on with theirs, unlike with PyTorch's setting, which is the process's.
   *
   * @return what {@code work} gives; computed on all threads where OpenMP's library is not found,
   *     as outside Linux
   */
  static <T> T onOneThread(Supplier<T> work) {
    Optional<NativeLibrary> library = Loaded.LIBRARY;
    if (library.isEmpty()) {
      return work.get();
    }
    Function set = library.get().getFunction("omp_set_num_threads");
    int before = library.get().getFunction("omp_get_max_threads").invokeInt(new Object[] {});
    set.invokeVoid(new Object[] {1});
    try {
      return work.get();
    } finally {
      set.invokeVoid(new Object[] {before});
    }
  }

  /** Finds a library that this process has loaded, by the beginning of its file's name. */
  static Optional<Path> loaded(String name) {
    try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
      return maps.filter(line -> line.contains("/" + name))
          .map(line -> Path.of(line.substring(line.indexOf('/'))))
          .findFirst();
    } catch (IOException | RuntimeException e) {
      return Optional.empty(); // not Linux
    }
  }

  /** Looked for once PyTorch is loaded. */
  private static final class Loaded {
    static final Optional<NativeLibrary> LIBRARY =
        loaded("libgomp").map(path -> NativeLibrary.getInstance(path.toString()));
  }
}
