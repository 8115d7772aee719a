package org.clip4j.data;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Predicate;
import org.clip4j.encode.ImageFile;
import org.clip4j.image.ImageDecoder;

/**
 * Gives image files and their captions: listed in a table, see {@link Pairs#table(Path)}, as JSON
 * lines, see {@link Pairs#jsonLines(Path)}, or beside each other, see {@link Pairs#folder(Path)}.
 * The text is in memory; images are read when asked for, so a missing image shows only then.
 * Immutable and safe for use by several threads.
 */
public final class PairTable implements PairSource {
  private final String name;
  private final Path imageRoot;
  private final ImageDecoder decoder;
  private final List<TableReader.Row> rows;
  private final int rowsWithoutCaption;

  PairTable(String name, Path imageRoot, ImageDecoder decoder, TableReader.Result table) {
    this.name = name;
    this.imageRoot = imageRoot;
    this.decoder = decoder;
    this.rows = table.rows();
    this.rowsWithoutCaption = table.withoutCaption();
  }

  /** Returns the path of the table or folder. */
  @Override
  public String name() {
    return name;
  }

  @Override
  public int size() {
    return rows.size();
  }

  @Override
  public ImageTextPair get(int index) {
    TableReader.Row row = rows.get(index);
    return new ImageTextPair(
        new ImageFile(imageRoot, row.image(), row.path(), decoder), row.captions());
  }

  /** Returns how many rows or images were left out because they had no caption. */
  public int rowsWithoutCaption() {
    return rowsWithoutCaption;
  }

  /** Says how to read a table. Not safe for use by several threads. */
  public static final class Builder {
    private final Path table;
    private Path imageRoot;
    private ImageDecoder decoder = ImageDecoder.defaults();
    private String imageColumn;
    private List<String> captionColumns;
    private Character delimiter;
    private Predicate<Map<String, String>> rowFilter;
    private boolean quotes = true;

    Builder(Path table) {
      this.table = Objects.requireNonNull(table, "table");
    }

    /**
     * Sets which columns to read, by their names in the header.
     *
     * @param imageColumn the column of image file names
     * @param captionColumns one column of captions, or several, of which each epoch draws one;
     *     columns without text in a row are left out for that row
     */
    public Builder setColumns(String imageColumn, String... captionColumns) {
      if (captionColumns.length == 0) {
        throw new IllegalArgumentException("name at least one caption column");
      }
      this.imageColumn = Objects.requireNonNull(imageColumn, "imageColumn");
      this.captionColumns = List.of(captionColumns);
      return this;
    }

    /**
     * Sets the folder that relative file names start from; by default the table's own folder.
     *
     * <p>This is no fence: absolute names and names with {@code ..} are followed wherever they
     * lead. A table is taken to be the user's own; check one from elsewhere before reading it.
     */
    public Builder optImageRoot(Path imageRoot) {
      this.imageRoot = Objects.requireNonNull(imageRoot, "imageRoot");
      return this;
    }

    /**
     * Sets how image files are decoded, for example over a background colour; by default
     * transparency is dropped.
     */
    public Builder optDecoder(ImageDecoder decoder) {
      this.decoder = Objects.requireNonNull(decoder, "decoder");
      return this;
    }

    /**
     * Sets the character between fields. By default a tab for {@code .tsv} and {@code .tab} and a
     * comma for any other file, unless only another of tab, comma and semicolon makes the header
     * contain the columns asked for.
     */
    public Builder optDelimiter(char delimiter) {
      this.delimiter = delimiter;
      return this;
    }

    /**
     * Keeps only some rows.
     *
     * @param rowFilter given the row's fields by column name, for example {@code row ->
     *     row.get("split").equals("train")}
     */
    public Builder optRowFilter(Predicate<Map<String, String>> rowFilter) {
      this.rowFilter = Objects.requireNonNull(rowFilter, "rowFilter");
      return this;
    }

    /**
     * Sets whether quotes enclose fields, which is the default, or are part of the text: {@code
     * false} for tables that programs wrote without quoting, where a caption may begin with a
     * quote.
     */
    public Builder optQuotes(boolean quotes) {
      this.quotes = quotes;
      return this;
    }

    /**
     * Reads the table's text. Quoting is that of RFC 4180, in tab-separated files too: a field that
     * starts with a quote ends with one, may contain delimiters and line breaks, and doubles the
     * quotes inside. A byte order mark is accepted. Rows whose captions are all blank are left out
     * and counted.
     *
     * @throws IOException if the table is missing, has no rows, lacks a column, names one twice,
     *     has a row with too few or too many fields, or is not UTF-8; the message names file and
     *     line
     * @throws IllegalStateException if {@link #setColumns} was not called
     */
    public PairTable build() throws IOException {
      if (imageColumn == null) {
        throw new IllegalStateException(
            "say which columns of " + table + " to read: setColumns(\"file\", \"caption\")");
      }
      TableReader.Result read =
          new TableReader(table, imageColumn, captionColumns, rowFilter, quotes).read(delimiter);
      Path root = imageRoot != null ? imageRoot : table.toAbsolutePath().getParent();
      return new PairTable(table.toString(), root, decoder, read);
    }
  }
}
