package org.clip4j.weights.pytorch;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Map;
import org.clip4j.io.IoErrors;
import org.clip4j.weights.pytorch.PickleCalls.Storage;
import org.clip4j.weights.tensors.CheckpointException;

/**
 * What {@code torch.save} wrote before PyTorch 1.6 and still can (torch/serialization.py, {@code
 * _legacy_save}): a magic number, a version, a description of the machine, the object, the names of
 * its storages, each as a pickle; then each storage, the number of its elements before its bytes.
 */
final class LegacyPickles {
  private static final BigInteger MAGIC = new BigInteger("1950a86a20f9469cfc6c", 16);
  private static final long VERSION = 1001;

  private LegacyPickles() {}

  static PyTorchArchive.Content read(Path file, FileChannel channel) throws IOException {
    long fileBytes = channel.size();
    PickleInput in = new PickleInput(file, channel, 0, fileBytes);
    if (!MAGIC.equals(new Pickle(in).read())) {
      throw PyTorchArchive.bad(file, "it is a pickle, but not one of PyTorch's");
    }
    if (!Long.valueOf(VERSION).equals(new Pickle(in).read())) {
      throw PyTorchArchive.bad(file, "its version is not " + VERSION);
    }
    if (!(new Pickle(in).read() instanceof Map<?, ?> machine)
        || !(machine.get(new PickleCalls.Key("little_endian")) instanceof Boolean little)) {
      throw PyTorchArchive.bad(file, "it does not say which byte order it has");
    }
    PyTorchArchive.requireLittleEndian(file, little ? "little" : "big");
    Pickle pickle = new Pickle(in);
    Object root = pickle.read();
    if (!(new Pickle(in).read() instanceof ArrayList<?> keys)) {
      throw PyTorchArchive.bad(file, "it does not list its storages");
    }
    Map<String, Long> begins = new HashMap<>();
    long at = in.position();
    for (Object key : keys) {
      Storage storage = key instanceof String ? pickle.storages().get(key) : null;
      if (storage == null || begins.containsKey(key)) {
        throw PyTorchArchive.bad(
            file, "it lists storages that its tensors do not use, or one twice");
      }
      long begin = at + Long.BYTES;
      long elements = new PickleInput(file, channel, at, Math.min(begin, fileBytes)).i64();
      long size = storage.type().size();
      if (elements != storage.elements() || elements > (fileBytes - begin) / size) {
        throw PyTorchArchive.bad(
            file,
            "its storage "
                + IoErrors.quote(storage.key())
                + " should have "
                + storage.elements()
                + " elements of "
                + storage.type()
                + ", claims "
                + elements
                + ", and "
                + (fileBytes - begin)
                + " bytes are left of the file");
      }
      begins.put(storage.key(), begin);
      at = begin + elements * size;
    }
    return new PyTorchArchive.Content(root, storage -> begin(file, begins, storage), false);
  }

  private static long begin(Path file, Map<String, Long> begins, Storage storage)
      throws CheckpointException {
    Long begin = begins.get(storage.key());
    if (begin == null) {
      throw PyTorchArchive.bad(file, "it has no storage " + IoErrors.quote(storage.key()));
    }
    return begin;
  }
}
