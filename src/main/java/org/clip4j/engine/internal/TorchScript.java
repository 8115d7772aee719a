package org.clip4j.engine.internal;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.IValueUtils;
import ai.djl.pytorch.jni.JniUtils;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.clip4j.io.IoErrors;

/**
 * Functions in TorchScript, compiled from source in memory.
 *
 * <p>The source is a series of {@code def name(self, x: Tensor, p: List[Tensor]) -> Tensor:} in the
 * dialect of TorchScript's serialised code: operators are called as {@code torch.op(...)}, with
 * every optional argument before a given one spelled out.
 *
 * <p>Owned by the manager it was compiled with. Calls may come from several threads at once.
 */
public final class TorchScript {

  /** What a call records. */
  public enum Mode {
    /** Nothing; the results must never meet a recorded call. The fastest. */
    INFERENCE,
    /**
     * What PyTorch's autograd needs for a backward pass, while gradients are recorded ({@link
     * Autograd#record}).
     */
    TRAINING
  }

  private static final String CLASS = "K";
  private static final String HEADER =
      """
      class K(Module):
        __parameters__ = []
        __buffers__ = []
        training : bool
      """;

  /** Version of TorchScript's operator signatures; an older number would select older ones. */
  private static final byte[] VERSION = "10\n".getBytes(StandardCharsets.US_ASCII);

  /** Pickled: an object of class K whose attribute "training" is False. */
  private static final byte[] DATA =
      pickle("c__torch__\n" + CLASS + "\n)\u0081}X\u0008\0\0\0training\u0089sb.");

  /** Pickled: an empty tuple. */
  private static final byte[] CONSTANTS = pickle(").");

  /** TorchScript would otherwise compile anew for every new shape; the switch is per thread. */
  private static final ThreadLocal<Boolean> PLAIN_INTERPRETER =
      ThreadLocal.withInitial(
          () -> {
            JniUtils.setGraphExecutorOptimize(false);
            return true;
          });

  private final PtSymbolBlock module;
  private final NDManager manager;
  private final Map<String, NDArray> methodNames = new ConcurrentHashMap<>();

  private TorchScript(NDManager manager, PtSymbolBlock module) {
    this.manager = manager;
    this.module = module;
  }

  /**
   * Compiles functions.
   *
   * @param manager owns the compiled module
   * @param source the functions, indented by nothing
   * @throws IllegalArgumentException with TorchScript's message, if the source does not compile
   */
  public static TorchScript compile(NDManager manager, String source) {
    try {
      byte[] archive = archive(HEADER + source.indent(2));
      return new TorchScript(manager, load((PtNDManager) manager, archive));
    } catch (IOException e) {
      throw IoErrors.unchecked(e);
    } catch (RuntimeException e) { // DJL's EngineException, with the compiler's message
      throw new IllegalArgumentException(
          "TorchScript source does not compile: " + IoErrors.message(e), e);
    }
  }

  /**
   * Goes through a file, since DJL reads a stream through a new buffer of 4 MiB for each, which
   * would be most of the Java heap of a process that has loaded a model.
   */
  private static PtSymbolBlock load(PtNDManager manager, byte[] archive) throws IOException {
    try {
      Path file = Files.createTempFile("clip4j", ".pt");
      try {
        Files.write(file, archive);
        return JniUtils.loadModule(manager, file, false, new String[0], new String[0], false);
      } finally {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) { // there is no place for it
      return JniUtils.loadModule(manager, new ByteArrayInputStream(archive), false, false);
    }
  }

  /**
   * Marks arrays as one argument of type {@code List[Tensor]}, for good: they can no longer be
   * passed one by one.
   *
   * @param arrays the elements, in order
   */
  public static NDList list(List<NDArray> arrays) {
    arrays.forEach(array -> array.setName("list[]"));
    return new NDList(arrays);
  }

  /**
   * Calls a function that returns one tensor.
   *
   * @param mode what to record
   * @param method the function's name
   * @param arguments an NDArray for a parameter of type Tensor, an NDList made by {@link #list} for
   *     one of type List[Tensor] (one at most); the first is an NDArray
   * @return the result, owned by the manager of the first argument
   */
  public NDArray call(Mode mode, String method, Object... arguments) {
    return callForAll(mode, method, arguments).singletonOrThrow();
  }

  /** As {@link #call}, for a function that returns a tuple of tensors. */
  public NDList callForAll(Mode mode, String method, Object... arguments) {
    PLAIN_INTERPRETER.get();
    NDList inputs = new NDList();
    for (Object argument : arguments) {
      if (argument instanceof NDList list) {
        inputs.addAll(list);
      } else {
        inputs.add((NDArray) argument);
      }
    }
    inputs.add(methodNames.computeIfAbsent(method, this::methodName));
    return LastCall.admit(() -> IValueUtils.forward(module, inputs, mode == Mode.TRAINING));
  }

  /**
   * Calls a function outside autograd whose parameters are tensors, tensor lists and numbers; for
   * updates in place.
   *
   * @param method the function's name
   * @param arguments each an NDArray, an NDList (a List[Tensor]), a Double or a Long
   * @return the float that the function returns
   */
  public double update(String method, Object... arguments) {
    return Autograd.withoutRecording(() -> run(method, arguments));
  }

  private double run(String method, Object... arguments) {
    PLAIN_INTERPRETER.get();
    IValue[] values = new IValue[arguments.length];
    try {
      for (int i = 0; i < arguments.length; i++) {
        values[i] = toIValue(arguments[i]);
      }
      try (IValue result = LastCall.admit(() -> IValueUtils.runMethod(module, method, values))) {
        return result.toDouble();
      }
    } finally {
      for (IValue value : values) {
        if (value != null) {
          value.close();
        }
      }
    }
  }

  private static IValue toIValue(Object argument) {
    if (argument instanceof NDList list) {
      return IValue.listFrom(Arrays.copyOf(list.toArray(), list.size(), PtNDArray[].class));
    }
    if (argument instanceof Double number) {
      return IValue.from(number.doubleValue());
    }
    if (argument instanceof Long number) {
      return IValue.from(number.longValue());
    }
    return IValue.from((PtNDArray) argument);
  }

  /**
   * DJL takes the name of the function to call from an input of this name, whose value it ignores.
   */
  private NDArray methodName(String method) {
    NDArray marker = manager.create(0f);
    marker.setName("module_method:" + method);
    return marker;
  }

  private static byte[] archive(String code) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      store(zip, "clip4j/data.pkl", DATA);
      store(zip, "clip4j/code/__torch__.py", code.getBytes(StandardCharsets.UTF_8));
      store(zip, "clip4j/constants.pkl", CONSTANTS);
      store(zip, "clip4j/version", VERSION);
    }
    return bytes.toByteArray();
  }

  /** PyTorch reads entries that are stored and not compressed. */
  private static void store(ZipOutputStream zip, String name, byte[] content) throws IOException {
    CRC32 crc = new CRC32();
    crc.update(content);
    ZipEntry entry = new ZipEntry(name);
    entry.setMethod(ZipEntry.STORED);
    entry.setSize(content.length);
    entry.setCrc(crc.getValue());
    zip.putNextEntry(entry);
    zip.write(content);
    zip.closeEntry();
  }

  private static byte[] pickle(String opcodes) {
    return ("\u0080\u0002" + opcodes).getBytes(StandardCharsets.ISO_8859_1);
  }
}
