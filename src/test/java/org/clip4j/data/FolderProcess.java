package org.clip4j.data;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.clip4j.encode.ImageSource;
import org.clip4j.image.ImageDecoder;

/** Reads what is in a folder as a program of its own, for a locale of its own. */
final class FolderProcess {
  private FolderProcess() {}

  public static void main(String[] args) throws IOException {
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    ImageDecoder decoder = ImageDecoder.defaults();
    Path folder = Path.of(args[0], "d");
    ImageList list = Images.folder(folder, decoder);
    for (int i = 0; i < list.size(); i++) {
      list.get(i).read();
      out.println("image " + list.name(i).file());
    }
    PairTable pairs = Pairs.folder(folder).build();
    for (int i = 0; i < pairs.size(); i++) {
      pairs.get(i).image().read();
      out.println("pair " + pairs.get(i).captions().get(0));
    }
    LabelledImages.classFolders(folder, decoder).labels().forEach(l -> out.println("class " + l));
    PairTable table = Pairs.table(Path.of(args[0], "t.csv")).setColumns("file", "caption").build();
    table.get(0).image().read();
    out.println("row " + table.get(0).captions().get(0));
    ImageSource found = ImageList.file(ImageList.Kind.FOLDER, folder, "caf\u00e9.png");
    found.read();
    out.println("found " + found.name().substring(found.name().lastIndexOf('/') + 1));
  }
}
