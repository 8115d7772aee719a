package org.clip4j.data;

import de.siegmar.fastcsv.reader.CloseableIterator;
import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.CsvRecord;
import de.siegmar.fastcsv.reader.FieldMismatchStrategy;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.clip4j.io.IoErrors;
import org.clip4j.io.Nearest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Reads the text of one table: finds the delimiter, checks the header and every row. */
final class TableReader {
  private static final Logger LOG = LoggerFactory.getLogger(TableReader.class);

  /** No character (Unicode keeps it free), for tables without quoting. */
  private static final char NO_QUOTE = '\uFFFF';

  /**
   * One row that has a caption.
   *
   * @param path of the image where its name does not lead to it, else null
   */
  record Row(String image, Path path, List<String> captions) {}

  record Result(List<Row> rows, int withoutCaption) {}

  private final Path table;
  private final String imageColumn;
  private final List<String> captionColumns;
  private final Predicate<Map<String, String>> rowFilter;
  private final boolean quotes;

  /**
   * @param rowFilter null for none
   * @param quotes whether they enclose fields, or are part of the text
   */
  TableReader(
      Path table,
      String imageColumn,
      List<String> captionColumns,
      Predicate<Map<String, String>> rowFilter,
      boolean quotes) {
    this.quotes = quotes;
    this.table = table;
    this.imageColumn = imageColumn;
    this.captionColumns = captionColumns;
    this.rowFilter = rowFilter;
  }

  /**
   * @param delimiter between fields; null to find it
   */
  Result read(Character delimiter) throws IOException {
    return IoErrors.worded(table, () -> readTable(delimiter));
  }

  private Result readTable(Character delimiter) throws IOException {
    if (!Files.exists(table)) {
      throw new NoSuchFileException(table.toString(), null, "no such table");
    }
    if (Files.isDirectory(table)) {
      throw new IOException(table + " is a folder; name the table file in it");
    }
    try {
      return readRows(delimiter != null ? delimiter : findDelimiter());
    } catch (UncheckedIOException e) {
      throw isNotUtf8(e) ? notUtf8(e) : e.getCause();
    } catch (CsvParseException e) {
      throw isNotUtf8(e) ? notUtf8(e) : new IOException(table + ": " + messages(e) + hint(), e);
    } catch (CharacterCodingException e) {
      throw notUtf8(e);
    }
  }

  // ---- delimiter and header ----

  private char findDelimiter() throws IOException {
    String name = String.valueOf(table.getFileName()).toLowerCase(Locale.ROOT);
    char usual = name.endsWith(".tsv") || name.endsWith(".tab") ? '\t' : ',';
    Set<Character> candidates = new LinkedHashSet<>(List.of(usual, '\t', ',', ';'));
    char widest = usual;
    int mostColumns = 0;
    for (char candidate : candidates) {
      List<String> header;
      try {
        header = header(candidate);
      } catch (CsvParseException e) {
        continue; // its quotes do not fit this delimiter; the reading proper reports it
      }
      if (header.contains(imageColumn) && header.containsAll(captionColumns)) {
        return candidate;
      }
      if (header.size() > mostColumns) {
        widest = candidate;
        mostColumns = header.size();
      }
    }
    return widest; // makes the best list of columns for the error message
  }

  private List<String> header(char delimiter) throws IOException {
    try (CloseableIterator<CsvRecord> records = open(delimiter)) {
      return records.hasNext() ? columnNames(records.next()) : List.of();
    }
  }

  private static List<String> columnNames(CsvRecord header) {
    return header.getFields().stream().map(String::strip).toList();
  }

  private int columnIndex(List<String> header, String column) throws IOException {
    int index = header.indexOf(column);
    if (index >= 0) {
      return index;
    }
    throw new IOException(
        table
            + " has no column \""
            + column
            + "\"; its columns are "
            + header.stream().map(name -> "\"" + name + "\"").toList()
            + Nearest.question(column, header));
  }

  private void checkUnique(List<String> header) throws IOException {
    Set<String> seen = new HashSet<>();
    for (String name : header) {
      // Unnamed columns (a row index, a trailing delimiter) may repeat: nobody can ask for them.
      if (!name.isEmpty() && !seen.add(name)) {
        throw new IOException(
            table + " names the column \"" + name + "\" twice; rename one of them");
      }
    }
  }

  // ---- rows ----

  private Result readRows(char delimiter) throws IOException {
    try (CloseableIterator<CsvRecord> records = open(delimiter)) {
      if (!records.hasNext()) {
        throw new IOException(table + " is empty; a header and at least one row are needed");
      }
      List<String> header = columnNames(records.next());
      int imageIndex = columnIndex(header, imageColumn);
      int[] captionIndices = new int[captionColumns.size()];
      for (int i = 0; i < captionIndices.length; i++) {
        captionIndices[i] = columnIndex(header, captionColumns.get(i));
      }
      checkUnique(header);
      List<Row> rows = new ArrayList<>();
      int filtered = 0;
      int withoutCaption = 0;
      while (records.hasNext()) {
        CsvRecord fields = records.next();
        checkFields(fields, header, delimiter);
        if (rowFilter != null && !rowFilter.test(byName(header, fields))) {
          filtered++;
          continue;
        }
        List<String> captions = captions(fields, captionIndices);
        if (captions.isEmpty()) {
          withoutCaption++;
          continue;
        }
        String image = fields.getField(imageIndex);
        if (image.isBlank()) {
          throw new IOException(
              at(fields) + " names no image: its column \"" + imageColumn + "\" is empty");
        }
        rows.add(new Row(image, null, captions));
      }
      if (rows.isEmpty()) {
        throw new IOException(
            table
                + " has no rows to use: "
                + withoutCaption
                + " without a caption, "
                + filtered
                + " left out by the row filter");
      }
      if (withoutCaption > 0) {
        LOG.warn("{}: {} rows have no caption and are left out", table, withoutCaption);
      }
      return new Result(List.copyOf(rows), withoutCaption);
    }
  }

  private void checkFields(CsvRecord fields, List<String> header, char delimiter)
      throws IOException {
    int found = fields.getFieldCount();
    if (found == header.size()) {
      return;
    }
    String shown = delimiter == '\t' ? "tab" : "'" + delimiter + "'";
    throw new IOException(
        at(fields)
            + " has "
            + found
            + (found == 1 ? " field" : " fields")
            + " but the header has "
            + header.size()
            + " (delimiter "
            + shown
            + (found < header.size()
                ? "); a field is missing"
                : "); quote fields that contain the delimiter")
            + (fields.getFields().stream()
                    .anyMatch(f -> f.indexOf('\n') >= 0 || f.indexOf('"') >= 0)
                ? hint()
                : ""));
  }

  /** What to do where a quote seems to be part of a text. */
  private String hint() {
    return quotes
        ? "; a quote at the beginning of a field encloses it and is doubled inside. Where quotes are"
            + " plain text, read the table without quotes"
        : "";
  }

  private String at(CsvRecord fields) {
    return table + " line " + fields.getStartingLineNumber();
  }

  private static List<String> captions(CsvRecord fields, int[] captionIndices) {
    List<String> captions = new ArrayList<>(captionIndices.length);
    for (int index : captionIndices) {
      String caption = fields.getField(index);
      if (!caption.isBlank()) {
        captions.add(caption);
      }
    }
    return List.copyOf(captions); // of one element: no array
  }

  private static Map<String, String> byName(List<String> header, CsvRecord fields) {
    Map<String, String> row = new LinkedHashMap<>();
    for (int i = 0; i < header.size(); i++) {
      row.put(header.get(i), fields.getField(i));
    }
    return Collections.unmodifiableMap(row);
  }

  // ---- bytes to characters ----

  private CloseableIterator<CsvRecord> open(char delimiter) throws IOException {
    InputStream bytes = new BufferedInputStream(Files.newInputStream(table));
    try {
      skipByteOrderMark(bytes);
      return CsvReader.builder()
          .fieldSeparator(delimiter)
          .quoteCharacter(quotes ? '"' : NO_QUOTE)
          // Counted here, for messages that name the file.
          .missingFieldStrategy(FieldMismatchStrategy.IGNORE)
          .extraFieldStrategy(FieldMismatchStrategy.IGNORE)
          .allowUnclosedQuote(false)
          // A decoder made this way reports what is malformed; one by name would replace it.
          .ofCsvRecord(new InputStreamReader(bytes, StandardCharsets.UTF_8.newDecoder()))
          .iterator();
    } catch (IOException | RuntimeException e) {
      bytes.close();
      throw e;
    }
  }

  static void skipByteOrderMark(InputStream bytes) throws IOException {
    bytes.mark(3);
    byte[] start = bytes.readNBytes(3);
    boolean mark =
        start.length == 3
            && start[0] == (byte) 0xEF
            && start[1] == (byte) 0xBB
            && start[2] == (byte) 0xBF;
    if (!mark) {
      bytes.reset();
    }
  }

  private static boolean isNotUtf8(Throwable e) {
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause instanceof CharacterCodingException) {
        return true;
      }
    }
    return false;
  }

  /** Looks for the line: the reader decodes ahead, so its own position says nothing. */
  private IOException notUtf8(Throwable e) throws IOException {
    long line = 1;
    CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
    ByteBuffer bytes = ByteBuffer.allocate(1 << 13);
    CharBuffer chars = CharBuffer.allocate(bytes.capacity()); // a byte makes at most one
    try (FileChannel in = FileChannel.open(table)) {
      for (boolean more = true; more; ) {
        boolean end = in.read(bytes) < 0;
        more = !decoder.decode(bytes.flip(), chars, end).isError() && !end;
        bytes.compact();
        line += chars.flip().chars().filter(c -> c == '\n').count();
        chars.clear();
      }
    }
    return new IOException(table + " line " + line + " is not UTF-8; save the table as UTF-8", e);
  }

  /** The parser's message is only "Exception when reading record ..."; the reason is the cause. */
  private static String messages(Throwable e) {
    StringBuilder text = new StringBuilder(IoErrors.message(e));
    for (Throwable cause = e.getCause(); cause != null; cause = cause.getCause()) {
      text.append(": ").append(IoErrors.message(cause));
    }
    return text.toString();
  }
}
