package org.clip4j.weights.pytorch;

import java.io.IOException;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.clip4j.io.IoErrors;
import org.clip4j.weights.pytorch.PickleCalls.Storage;
import org.clip4j.weights.tensors.CheckpointException;

/**
 * Reads pickles that hold tensors and containers (protocols 2 to 5, Python's pickletools.py), and
 * executes nothing: the few callables that PyTorch's own files name are recognised, see {@link
 * PickleCalls}, and every other name is an error.
 *
 * <p>Values are Java's: null, Boolean, Long, BigInteger, Double, String, byte[]; an ArrayList for a
 * list, an Object[] for a tuple, a LinkedHashMap for a dict, a LinkedHashSet for a set; and the
 * records of {@link PickleCalls}. What they take is counted, so that no pickle can make more of
 * itself than {@link PickleInput#MAX_MEMORY}.
 */
final class Pickle {
  private static final int MAX_INTEGER_BYTES = 255;
  private static final int LOWEST_PROTOCOL = 2;
  private static final int HIGHEST_PROTOCOL = 5;

  private final PickleInput in;
  private final ArrayList<Object> stack = new ArrayList<>();
  private int[] marks = new int[16];
  private int markCount;
  private final Map<Integer, Object> memo = new HashMap<>();

  private final Map<String, Storage> storages = new HashMap<>();

  Pickle(PickleInput in) {
    this.in = in;
  }

  /** Every storage that was referred to, by its key; after reading. */
  Map<String, Storage> storages() {
    return storages;
  }

  /** Reads one pickle and leaves the input after it. */
  Object read() throws IOException {
    try {
      return run();
    } catch (PickleCalls.Refused e) {
      throw in.bad("its pickle " + IoErrors.message(e));
    }
  }

  private Object run() throws IOException, PickleCalls.Refused {
    int first = in.u8();
    int protocol = in.u8();
    if (first != 0x80 || protocol < LOWEST_PROTOCOL || protocol > HIGHEST_PROTOCOL) {
      throw in.bad("its pickle is not of protocol " + LOWEST_PROTOCOL + " to " + HIGHEST_PROTOCOL);
    }
    while (true) {
      int opcode = in.u8();
      if (opcode == '.') {
        Object result = pop();
        if (!stack.isEmpty() || markCount > 0) {
          throw in.bad("its pickle stops before it is complete");
        }
        return result;
      }
      if (!scalar(opcode) && !container(opcode) && !object(opcode)) {
        throw in.bad(
            String.format(
                Locale.ROOT,
                "its pickle has the opcode 0x%02x at byte %d, which PyTorch does not write",
                opcode,
                in.position() - 1));
      }
    }
  }

  /** Numbers, texts and bytes. */
  private boolean scalar(int opcode) throws IOException {
    switch (opcode) {
      case 'N' -> push(null, 0);
      case 0x88 -> push(true, 0); // NEWTRUE
      case 0x89 -> push(false, 0); // NEWFALSE
      case 'J' -> push((long) in.i32(), 24); // BININT
      case 'K' -> push((long) in.u8(), 24); // BININT1
      case 'M' -> push((long) in.u16(), 24); // BININT2
      case 0x8a -> pushInteger(in.u8()); // LONG1
      case 0x8b -> pushInteger(in.i32()); // LONG4
      case 'G' -> push(in.f64(), 24); // BINFLOAT
      case 'X' -> pushText(in.i32() & 0xFFFFFFFFL); // BINUNICODE
      case 0x8c -> pushText(in.u8()); // SHORT_BINUNICODE
      case 0x8d -> pushText(in.i64()); // BINUNICODE8
      case 'U' -> pushText(in.u8()); // SHORT_BINSTRING, of Python 2
      case 'T' -> pushText(in.i32()); // BINSTRING, of Python 2
      case 'C' -> pushBytes(in.u8()); // SHORT_BINBYTES
      case 'B' -> pushBytes(in.i32() & 0xFFFFFFFFL); // BINBYTES
      case 0x8e, 0x96 -> pushBytes(in.i64()); // BINBYTES8, BYTEARRAY8
      default -> {
        return false;
      }
    }
    return true;
  }

  private void pushInteger(int bytes) throws IOException {
    if (bytes < 0 || bytes > MAX_INTEGER_BYTES) {
      throw in.bad("its pickle has an integer of " + Integer.toUnsignedString(bytes) + " bytes");
    }
    byte[] digits = in.bytes(bytes);
    for (int i = 0, j = bytes - 1; i < j; i++, j--) { // to big-endian order
      byte swapped = digits[i];
      digits[i] = digits[j];
      digits[j] = swapped;
    }
    BigInteger value = bytes == 0 ? BigInteger.ZERO : new BigInteger(digits);
    push(value.bitLength() < Long.SIZE ? (Object) value.longValue() : value, 64 + bytes);
  }

  private void pushText(long bytes) throws IOException {
    in.charge(56 + 4L * in.length(bytes)); // before it is read
    push(in.text(bytes), 0);
  }

  private void pushBytes(long bytes) throws IOException {
    in.charge(16 + in.length(bytes));
    push(in.bytes(bytes), 0);
  }

  /** Lists, tuples, dicts and sets, the stack and the memo. */
  private boolean container(int opcode) throws IOException, PickleCalls.Refused {
    switch (opcode) {
      case '(' -> mark();
      case '0' -> pop();
      case '1' -> popToMark(); // POP_MARK
      case '2' -> push(top(), 0); // DUP
      case ')' -> push(new Object[0], 16);
      case 't' -> pushTuple(popToMark());
      case 0x85 -> pushTuple(pop(1)); // TUPLE1
      case 0x86 -> pushTuple(pop(2)); // TUPLE2
      case 0x87 -> pushTuple(pop(3)); // TUPLE3
      case ']' -> push(new ArrayList<>(0), 24);
      case 'l' -> push(new ArrayList<>(Arrays.asList(popToMark())), 48);
      case 'a' -> append(pop(1));
      case 'e' -> append(popToMark()); // APPENDS
      case '}' -> push(new LinkedHashMap<>(), 64);
      case 'd' -> { // DICT
        Object[] items = popToMark();
        push(new LinkedHashMap<>(), 64);
        setItems(items);
      }
      case 's' -> setItems(pop(2)); // SETITEM
      case 'u' -> setItems(popToMark()); // SETITEMS
      case 0x8f -> push(new LinkedHashSet<>(), 80); // EMPTY_SET
      case 0x90 -> { // ADDITEMS
        Object[] items = popToMark();
        addTo(top(LinkedHashSet.class, "ADDITEMS"), items);
      }
      case 0x91 -> { // FROZENSET
        Object[] items = popToMark();
        Set<Object> set = new LinkedHashSet<>();
        addTo(set, items);
        push(set, 80);
      }
      case 'q' -> memoize(in.u8()); // BINPUT
      case 'r' -> memoize(in.i32()); // LONG_BINPUT
      case 0x94 -> memoize(memo.size()); // MEMOIZE
      case 'h' -> recall(in.u8()); // BINGET
      case 'j' -> recall(in.i32()); // LONG_BINGET
      case 0x95 -> in.length(in.i64()); // FRAME, which only announces bytes
      default -> {
        return false;
      }
    }
    return true;
  }

  /** What stands for Python's objects. */
  private boolean object(int opcode) throws IOException, PickleCalls.Refused {
    switch (opcode) {
      case 'c' -> { // GLOBAL
        String module = in.line();
        in.charge(200 + 2L * module.length());
        push(PickleCalls.global(module, in.line()), 0);
      }
      case 0x93 -> { // STACK_GLOBAL
        Object[] names = pop(2);
        if (!(names[0] instanceof String module) || !(names[1] instanceof String name)) {
          throw in.bad("its pickle names a class by something else than texts");
        }
        in.charge(2L * (module.length() + name.length())); // before they are put together
        push(PickleCalls.global(module, name), 64);
      }
      case 'Q' -> pushStorage(PickleCalls.storage(pop())); // BINPERSID
      case 'R' -> { // REDUCE
        Object[] call = pop(2);
        in.charge(PickleCalls.cost(call[1])); // before: it may copy what other calls copied too
        push(PickleCalls.call(call[0], call[1]), 0);
      }
      case 0x81 -> { // NEWOBJ
        Object[] call = pop(2);
        push(PickleCalls.newObject(call[0], call[1]), 100);
      }
      case 'b' -> { // BUILD
        Object[] state = pop(1);
        in.charge(PickleCalls.cost(state));
        PickleCalls.setState(top(), state[0]);
      }
      default -> {
        return false;
      }
    }
    return true;
  }

  /** Storages of one key agree, so that none is read as another type than it was checked for. */
  private void pushStorage(Storage storage) throws CheckpointException {
    Storage known = storages.putIfAbsent(storage.key(), storage);
    if (known != null && !known.equals(storage)) {
      throw in.bad(
          "its pickle has two storages "
              + IoErrors.quote(storage.key())
              + " of other types or sizes");
    }
    push(storage, 128);
  }

  private void push(Object value, long bytes) throws CheckpointException {
    in.charge(8 + bytes);
    stack.add(value);
  }

  private Object pop() throws CheckpointException {
    top();
    return stack.remove(stack.size() - 1);
  }

  private Object top() throws CheckpointException {
    if (stack.size() == floor()) {
      throw in.bad("its pickle takes a value that is not there, at byte " + in.position());
    }
    return stack.get(stack.size() - 1);
  }

  private <T> T top(Class<T> type, String opcode) throws CheckpointException {
    Object top = top();
    if (!type.isInstance(top)) {
      throw in.bad(
          "its pickle applies "
              + opcode
              + " to "
              + PickleCalls.kind(top)
              + ", at byte "
              + in.position());
    }
    return type.cast(top);
  }

  private int floor() {
    return markCount == 0 ? 0 : marks[markCount - 1];
  }

  private Object[] pop(int count) throws CheckpointException {
    if (stack.size() - floor() < count) {
      throw in.bad("its pickle takes a value that is not there, at byte " + in.position());
    }
    return cut(stack.size() - count);
  }

  private void mark() throws CheckpointException {
    in.charge(4);
    if (markCount == marks.length) {
      marks = Arrays.copyOf(marks, 2 * markCount);
    }
    marks[markCount++] = stack.size();
  }

  private Object[] popToMark() throws CheckpointException {
    if (markCount == 0) {
      throw in.bad("its pickle ends a group that was not begun, at byte " + in.position());
    }
    return cut(marks[--markCount]);
  }

  private Object[] cut(int from) throws CheckpointException {
    List<Object> tail = stack.subList(from, stack.size());
    in.charge(16 + 8L * tail.size());
    Object[] values = tail.toArray();
    tail.clear();
    return values;
  }

  private void pushTuple(Object[] items) throws CheckpointException {
    push(items, 0); // cutting it off the stack was charged
  }

  @SuppressWarnings("unchecked")
  private void append(Object[] items) throws CheckpointException {
    in.charge(16L * items.length);
    top(ArrayList.class, "APPENDS").addAll(Arrays.asList(items));
  }

  @SuppressWarnings("unchecked")
  private void setItems(Object[] items) throws CheckpointException, PickleCalls.Refused {
    in.charge(56L * items.length);
    PickleCalls.setItems(top(LinkedHashMap.class, "SETITEMS"), items);
  }

  @SuppressWarnings("unchecked")
  private void addTo(Set<?> set, Object[] items) throws CheckpointException, PickleCalls.Refused {
    in.charge(80L * items.length);
    for (Object item : items) {
      ((Set<PickleCalls.Key>) set).add(PickleCalls.key(item));
    }
  }

  private void memoize(int index) throws CheckpointException {
    in.charge(64);
    memo.put(index, top());
  }

  private void recall(int index) throws CheckpointException {
    Object value = memo.get(index);
    if (value == null && !memo.containsKey(index)) {
      throw in.bad("its pickle recalls value " + Integer.toUnsignedString(index) + ", not there");
    }
    push(value, 0);
  }
}
