package org.clip4j.examples.app.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import javax.imageio.ImageIO;
import org.clip4j.examples.Embed;
import org.clip4j.examples.Examples;
import org.clip4j.examples.Search;
import org.clip4j.examples.options.Models;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Embed and Search on the smallest golden model. */
class SearchTest {
  private static final String MODEL = "../src/test/resources/golden/hf-clip";

  /** What a file name may hold on Linux. */
  private static final String NAME = "<b>\"red\" & 'x'.png";

  @TempDir static Path temp;

  @BeforeAll
  static void embed() throws IOException {
    Path images = Files.createDirectory(temp.resolve("images"));
    picture(images.resolve(NAME), 0xD02020);
    picture(images.resolve("blue.png"), 0x2020D0);
    Files.writeString(images.resolve("damaged.png"), "none");
    Path texts = Files.writeString(temp.resolve("texts.txt"), "a cat\na <i>dog</i>\n");
    assertThat(run(new Embed(), "--images", images.toString(), "--out", out("embedded"))).isZero();
    assertThat(run(new Embed(), "--texts", texts.toString(), "--out", out("texts"))).isZero();
  }

  private static void picture(Path file, int rgb) throws IOException {
    BufferedImage image = new BufferedImage(60, 40, BufferedImage.TYPE_INT_RGB);
    for (int i = 0; i < 60 * 40; i++) {
      image.setRGB(i % 60, i / 60, rgb);
    }
    ImageIO.write(image, "png", file.toFile());
  }

  private static String out(String name) {
    return temp.resolve(name).toString();
  }

  private static int run(Callable<Integer> command, String... args) {
    String[] all = new String[args.length + 2];
    all[0] = "--model";
    all[1] = MODEL;
    System.arraycopy(args, 0, all, 2, args.length);
    return Examples.run(command, all);
  }

  private static ImageSearch.Options top(int k) {
    return ImageSearch.Options.top(k);
  }

  private static ImageSearch open(String embeddings, String model) throws IOException {
    return ImageSearch.open(Models.loader(model), model, temp.resolve(embeddings), null);
  }

  @Test
  void the_page_of_results_holds_its_pictures_and_no_markup_of_names() throws IOException {
    Path page = temp.resolve("results.html");
    for (int time = 0; time < 2; time++) { // the index is made, and then opened
      assertThat(
              run(
                  new Search(),
                  "--embeddings",
                  out("embedded"),
                  "--out",
                  page.toString(),
                  "a <b>red</b> circle"))
          .isZero();
      assertThat(Files.readString(page))
          .contains("data:image/jpeg;base64,")
          .contains("a &lt;b&gt;red&lt;/b&gt; circle")
          .contains("&lt;b&gt;&quot;red&quot; &amp; &#39;x&#39;.png")
          .doesNotContain("<b>red", "<b>\"red", "http:", "<script", "<link", "damaged.png");
    }
  }

  @Test
  void an_image_that_is_gone_is_said_to_be_gone() throws IOException {
    try (ImageSearch search =
        ImageSearch.open(
            Models.loader(MODEL), MODEL, temp.resolve("embedded"), temp.resolve("elsewhere"))) {
      assertThat(SearchPages.results(search, "q", search.byText("q", top(5))))
          .contains("not there any more")
          .doesNotContain("<img");
    }
  }

  @Test
  void texts_are_found_too() throws IOException {
    try (ImageSearch search = open("texts", MODEL)) {
      assertThat(search.byText("a <i>dog</i>", top(2)).get(0).name()).isEqualTo("a <i>dog</i>");
      assertThat(SearchPages.results(search, "q", search.byText("q", top(2))))
          .contains("a &lt;i&gt;dog")
          .doesNotContain("<i>dog");
    }
  }

  @Test
  void embeddings_of_another_model_are_an_error() {
    String other = "../src/test/resources/golden/openclip-vit";
    assertThatThrownBy(() -> open("embedded", other))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("another model")
        .hasMessageContaining(MODEL)
        .hasMessageContaining(other);
  }

  @Test
  void rows_are_added_removed_and_filtered() throws IOException {
    Path images = Files.createDirectory(temp.resolve("some"));
    picture(Files.createDirectory(images.resolve("a")).resolve("1.png"), 0xD02020);
    picture(images.resolve("2.png"), 0x2020D0);
    assertThat(run(new Embed(), "--images", images.toString(), "--out", out("changed"))).isZero();
    Path green = temp.resolve("green.png");
    picture(green, 0x20D020);
    String[] added = {"--add", green.toString(), "--field", "year=2024", "--field", "kind=new"};
    assertThat(search("changed", added)).isZero();
    assertThat(search("changed", added)).isZero(); // replaces it
    assertThat(search("changed", "--remove", "2.png")).isZero();
    try (ImageSearch search = open("changed", MODEL)) {
      assertThat(search.size()).isEqualTo(2);
      assertThat(search.fields()).containsKeys("file", "folder", "year", "kind");
      assertThat(names(search, "year>=2024")).containsExactly(green.toString());
      assertThat(names(search, "folder=a|b")).containsExactly("a/1.png");
      assertThat(names(search, "kind!=new")).containsExactly("a/1.png");
      assertThat(names(search, "year<=2000")).isEmpty();
      assertThat(search.jpeg(2, 10)).isNotEmpty();
      assertThatThrownBy(() -> names(search, "color=red"))
          .hasMessageContaining("no field \"color\"")
          .hasMessageContaining("year");
      assertThatThrownBy(() -> names(search, "year=red")).hasMessageContaining("holds a number");
      assertThatThrownBy(() -> names(search, "year")).hasMessageContaining("is no filter");
    }
    Path page = temp.resolve("none.html");
    assertThat(
            search(
                "changed",
                "--where",
                "year<=2000",
                "--out",
                page.toString(),
                "--relevance",
                "0.1",
                "q"))
        .isZero();
    assertThat(Files.readString(page)).contains("Nothing relevant was found");
  }

  private static int search(String embeddings, String... args) {
    String[] all = Arrays.copyOf(args, args.length + 2);
    all[args.length] = "--embeddings";
    all[args.length + 1] = out(embeddings);
    return run(new Search(), all);
  }

  private static List<String> names(ImageSearch search, String where) throws IOException {
    return search.byText("q", new ImageSearch.Options(9, List.of(where), null, null, null)).stream()
        .map(ImageSearch.Match::name)
        .toList();
  }
}
