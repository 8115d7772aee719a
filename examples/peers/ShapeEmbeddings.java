import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.clip4j.Clip;
import org.clip4j.data.shapes.ColouredShapes;
import org.clip4j.data.LabelledImage;
import org.clip4j.search.EmbeddingWriter;

/**
 * Makes src/test/resources/search-shapes: embeddings of generated shapes and of texts by the model of
 * examples/run Quickstart.
 *
 * <p>java -cp CLASSPATH examples/peers/ShapeEmbeddings.java QUICK/model src/test/resources/search-shapes
 */
public final class ShapeEmbeddings {
  private static final int EACH = 10;

  public static void main(String... args) throws Exception {
    ColouredShapes shapes = ColouredShapes.create();
    try (Clip clip = Clip.load(args[0])) {
      List<LabelledImage> images = new ArrayList<>(shapes.seenTest(EACH));
      images.addAll(shapes.unseenTest(EACH));
      List<String> names = new ArrayList<>();
      List<String> texts = new ArrayList<>();
      for (String label : shapes.labels()) {
        texts.add("a " + label);
      }
      for (String word : "circle square triangle star heart cross ring crescent".split(" ")) {
        texts.add("a " + word);
      }
      for (String word : "red orange yellow green blue purple pink black".split(" ")) {
        texts.add("something " + word);
      }
      List<float[]> rows = new ArrayList<>();
      for (LabelledImage image : images) {
        rows.add(clip.encodeImage(image.image().read()));
        names.add(shapes.labels().get(image.label()));
      }
      write(Path.of(args[1], "images"), rows, names);
      write(Path.of(args[1], "texts"), List.of(clip.encodeTexts(texts)), texts);
    }
  }

  private static void write(Path folder, List<float[]> rows, List<String> names) throws Exception {
    try (EmbeddingWriter writer =
        EmbeddingWriter.into(folder).setDimensions(rows.get(0).length).setColumns("label").open()) {
      writer.resume(rows.size(), i -> List.of(names.get(i)));
      for (int i = 0; i < rows.size(); i++) {
        writer.add(rows.get(i), List.of(names.get(i)));
      }
      writer.finish();
    }
  }
}
