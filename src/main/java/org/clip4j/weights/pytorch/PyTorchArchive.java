package org.clip4j.weights.pytorch;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.clip4j.io.FileBytes;
import org.clip4j.io.IoErrors;
import org.clip4j.weights.internal.StridedView;
import org.clip4j.weights.internal.ValueReader;
import org.clip4j.weights.pytorch.PickleCalls.Storage;
import org.clip4j.weights.pytorch.PickleCalls.Tensor;
import org.clip4j.weights.tensors.CheckpointException;
import org.clip4j.weights.tensors.TensorFile;
import org.clip4j.weights.tensors.TensorInfo;

/**
 * Reads a file that {@code torch.save} or {@code torch.jit.save} wrote: a zip archive, or the
 * sequence of pickles from before PyTorch 1.6. Nothing in it is executed; what is not a tensor, a
 * number, a text or a container of these is refused by its name.
 *
 * <p>Tensors are found under the path by which Python reaches them: {@code
 * state_dict.module.logit_scale}, {@code optimizer.state.0.exp_avg}. A TorchScript archive shows
 * its modules' parameters under their own names. Views of a storage read as if they were
 * contiguous.
 *
 * <p>The file is checked as hostile input: storages lie inside the file and tensors inside their
 * storages, and neither its size nor its nesting can exhaust memory or the stack.
 */
public final class PyTorchArchive implements TensorFile {
  private final Path file;
  private final FileChannel channel;
  private final ValueReader reader;
  private final boolean torchScript;
  private final Map<String, Placed> placed = new HashMap<>();
  private final Map<String, TensorInfo> tensors;
  private final Map<String, Object> scalars;

  /** A tensor and the position of its storage in the file. */
  private record Placed(TensorInfo info, long storage, StridedView view) {}

  /** Where the bytes of storages lie in the file. */
  interface Storages {
    /**
     * The position of a storage's first byte.
     *
     * @throws CheckpointException if the file does not hold all of it
     */
    long begin(Storage storage) throws IOException;
  }

  /** A file's object and the storages that its tensors refer to. */
  record Content(Object root, Storages storages, boolean torchScript) {}

  private PyTorchArchive(Path file, FileChannel channel, Content content) throws IOException {
    this.file = file;
    this.channel = channel;
    reader = new ValueReader(file, channel);
    torchScript = content.torchScript;
    PickleWalk walk = new PickleWalk(file);
    walk.visit(content.root);
    Map<String, TensorInfo> infos = new LinkedHashMap<>();
    for (Map.Entry<String, Tensor> entry : walk.tensors().entrySet()) {
      Tensor tensor = entry.getValue();
      TensorInfo info =
          new TensorInfo(entry.getKey(), tensor.storage().type(), tensor.view().shape());
      infos.put(info.name(), info);
      long begin = content.storages.begin(tensor.storage());
      placed.put(info.name(), new Placed(info, begin, tensor.view()));
    }
    tensors = Collections.unmodifiableMap(infos);
    scalars = Collections.unmodifiableMap(walk.scalars());
  }

  /**
   * Returns whether a file starts as {@code torch.save} and {@code torch.jit.save} start theirs.
   */
  public static boolean looksLikeOne(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      ByteBuffer start = ByteBuffer.allocate(9).put(FileBytes.read(channel, 0, 9));
      boolean zip = start.getInt(0) == 0x504B0304; // "PK" and the mark of an entry
      // A safetensors file may start with the same byte, but has its header's brace after eight.
      boolean pickle = start.get(0) == (byte) 0x80 && start.get(8) != '{';
      return zip || pickle;
    }
  }

  /**
   * Opens a file and reads what describes its tensors.
   *
   * @throws CheckpointException if the file is damaged, or holds what is not read; the message
   *     names it
   */
  public static PyTorchArchive open(Path file) throws IOException {
    return IoErrors.worded(file, () -> openFile(file));
  }

  private static PyTorchArchive openFile(Path file) throws IOException {
    FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
    try {
      ByteBuffer start = ByteBuffer.allocate(1);
      boolean legacy = channel.read(start, 0) == 1 && start.get(0) == (byte) 0x80;
      Content content = legacy ? LegacyPickles.read(file, channel) : readZip(file, channel);
      return new PyTorchArchive(file, channel, content);
    } catch (IOException | RuntimeException | Error e) {
      channel.close();
      throw e;
    }
  }

  private static Content readZip(Path file, FileChannel channel) throws IOException {
    ZipDirectory zip = ZipDirectory.read(file, channel);
    String first = zip.firstName();
    String folder = first.substring(0, first.indexOf('/') + 1);
    if (!zip.has(folder + "data.pkl")) {
      throw bad(file, "it has no entry " + IoErrors.quote(folder + "data.pkl"));
    }
    if (zip.has(folder + "byteorder")) { // since PyTorch 2.1; before that, always little
      ZipDirectory.Range range = zip.range(folder + "byteorder");
      byte[] text = new PickleInput(file, channel, range.begin(), range.end()).bytes(range.size());
      requireLittleEndian(file, new String(text, StandardCharsets.UTF_8).strip());
    }
    ZipDirectory.Range pickle = zip.range(folder + "data.pkl");
    Object root = new Pickle(new PickleInput(file, channel, pickle.begin(), pickle.end())).read();
    Map<String, ZipDirectory.Range> ranges = new HashMap<>();
    Storages storages =
        storage -> {
          ZipDirectory.Range range = ranges.get(storage.key());
          if (range == null) {
            range = zip.range(folder + "data/" + storage.key());
            ranges.put(storage.key(), range);
          }
          if (storage.elements() > range.size() / storage.type().size()) {
            throw bad(
                file,
                "its storage "
                    + IoErrors.quote(storage.key())
                    + " should hold "
                    + storage.elements()
                    + " elements of "
                    + storage.type()
                    + " but has "
                    + range.size()
                    + " bytes");
          }
          return range.begin();
        };
    return new Content(root, storages, zip.has(folder + "constants.pkl"));
  }

  static void requireLittleEndian(Path file, String order) throws CheckpointException {
    if (!order.equals("little")) {
      throw bad(
          file,
          "its byte order is "
              + IoErrors.quote(order)
              + "; only \"little\" is read, save it anew on such a machine");
    }
  }

  static CheckpointException bad(Path file, String what) {
    return new CheckpointException(file + " cannot be read as a PyTorch archive: " + what);
  }

  @Override
  public Path file() {
    return file;
  }

  @Override
  public Map<String, TensorInfo> tensors() {
    return tensors;
  }

  /** Returns whether {@code torch.jit.save} wrote it, as OpenAI published its models. */
  public boolean isTorchScript() {
    return torchScript;
  }

  /**
   * Returns the texts, numbers and truth values beside the tensors, under their paths: {@code
   * epoch}, {@code optimizer.param_groups.0.lr}. Values are String, Long, BigInteger, Double or
   * Boolean; not modifiable.
   */
  public Map<String, Object> scalars() {
    return scalars;
  }

  @Override
  public void copy(String name, long from, FloatBuffer target, boolean finite) {
    Placed tensor = placed(name);
    reader.copy(tensor.info, tensor.storage, tensor.view, from, target, finite);
  }

  @Override
  public long[] longs(String name) {
    Placed tensor = placed(name);
    return reader.longs(tensor.info, tensor.storage, tensor.view);
  }

  private Placed placed(String name) {
    Placed tensor = placed.get(name);
    if (tensor == null) {
      throw new IllegalArgumentException(file + " has no tensor '" + name + "'");
    }
    return tensor;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
