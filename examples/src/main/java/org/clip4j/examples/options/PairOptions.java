package org.clip4j.examples.options;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import org.clip4j.data.JsonLines;
import org.clip4j.data.PairFeed;
import org.clip4j.data.PairSource;
import org.clip4j.data.PairTable;
import org.clip4j.data.Pairs;
import org.clip4j.image.ImageDecoder;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Options that say where image-text pairs come from. */
public final class PairOptions {
  @Option(
      names = "--data",
      required = true,
      paramLabel = "DATA",
      description =
          "A CSV or TSV file with a header line; a .jsonl file of objects; a folder of images with"
              + " .txt files beside them; or WebDataset shards, as train-{000..127}.tar.")
  private String data;

  @Option(
      names = "--image-column",
      defaultValue = "file",
      description = "The column of image files.")
  private String imageColumn;

  @Option(
      names = "--caption-column",
      defaultValue = "caption",
      description =
          "The column of captions; several separated by commas, of which each epoch draws one.",
      split = ",")
  private String[] captionColumns;

  @Option(
      names = "--image-root",
      paramLabel = "DIR",
      description = "The folder that image files start from (the table's own).")
  private Path imageRoot;

  @Option(
      names = "--no-quotes",
      description = "Quotes in a table are part of its text; they enclose no fields.")
  private boolean noQuotes;

  @Mixin private BackgroundOption background;

  @Option(
      names = "--exclude",
      paramLabel = "REGEX",
      description = "Leaves out rows in whose image or caption this is found.")
  private Pattern exclude;

  /** Opens them. */
  public PairFeed open() throws IOException {
    if (isTar(data)) {
      return Pairs.shards(data).optDecoder(decoder()).build();
    }
    return open(Path.of(data), imageColumn, captionColumns, imageRoot, decoder(), this::table);
  }

  /**
   * Opens pairs that have an order of their own.
   *
   * @param imageRoot null for that of the file
   * @param table makes the last settings of a table
   */
  static PairSource open(
      Path path,
      String imageColumn,
      String[] captionColumns,
      Path imageRoot,
      ImageDecoder decoder,
      UnaryOperator<PairTable.Builder> table)
      throws IOException {
    if (Files.isDirectory(path)) {
      return Pairs.folder(path).optDecoder(decoder).build();
    }
    if (path.toString().endsWith(".jsonl")) {
      JsonLines lines =
          Pairs.jsonLines(path).setKeys(imageColumn, captionColumns).optDecoder(decoder);
      return (imageRoot == null ? lines : lines.optImageRoot(imageRoot)).build();
    }
    PairTable.Builder builder =
        table.apply(Pairs.table(path).setColumns(imageColumn, captionColumns).optDecoder(decoder));
    return (imageRoot == null ? builder : builder.optImageRoot(imageRoot)).build();
  }

  /** Whether a name is that of tars, also of compressed ones, which are refused with the reason. */
  public static boolean isTar(String name) {
    return name.matches(".*\\.(tar(\\.(gz|zst|bz2|xz))?|tgz)");
  }

  public ImageDecoder decoder() {
    return background.decoder();
  }

  private PairTable.Builder table(PairTable.Builder table) {
    table.optQuotes(!noQuotes);
    if (exclude != null) {
      List<String> columns = new ArrayList<>(List.of(captionColumns));
      columns.add(imageColumn);
      table.optRowFilter(
          row -> columns.stream().noneMatch(column -> exclude.matcher(row.get(column)).find()));
    }
    return table;
  }
}
