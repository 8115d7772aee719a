package org.clip4j.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Reports of evaluations, on the smallest golden model. */
class ReportsTest {
  private static final String MODEL = "../src/test/resources/golden/hf-clip";
  private static final List<String> CLASSES = List.of("red_square", "dog", "a <b>cat</b>");

  @TempDir static Path temp;

  @BeforeAll
  static void draw() throws IOException {
    Random random = new Random(3);
    StringBuilder table = new StringBuilder("file,caption\n");
    for (String part : List.of("train", "test")) {
      for (String label : CLASSES) {
        Path folder = Files.createDirectories(temp.resolve(part).resolve(label));
        for (int i = 0; i < 12; i++) {
          BufferedImage image = new BufferedImage(200, 100, BufferedImage.TYPE_INT_RGB);
          int base = random.nextInt(0x1000000);
          for (int p = 0; p < 200 * 100; p++) {
            image.setRGB(p % 200, p / 200, base ^ random.nextInt(64));
          }
          Path file = folder.resolve(label.charAt(0) + "" + i + ".png");
          ImageIO.write(image, "png", file.toFile());
          if (part.equals("test")) {
            table.append(temp.relativize(file)).append(",number ").append(i).append(' ');
            table.append(label).append('\n');
          }
        }
      }
    }
    Files.writeString(temp.resolve("pairs.csv"), table);
  }

  private static String path(String name) {
    return temp.resolve(name).toString();
  }

  private static JsonObject json(String file) throws IOException {
    return JsonParser.parseString(Files.readString(temp.resolve(file))).getAsJsonObject();
  }

  private static int count(String page, String part) {
    return page.split(part, -1).length - 1;
  }

  @Test
  void zero_shot_shows_pictures_and_has_the_number_and_the_prompts_of_the_probe_study()
      throws IOException {
    String[] evaluate = {
      "zero-shot", "--model", MODEL, "--data", path("test"), "--out", path("zs")
    };
    assertThat(Examples.run(new Evaluate(), evaluate)).isZero();
    String page = Files.readString(temp.resolve("zs/report.html"));
    assertThat(page)
        .contains("Most confident, right and wrong", "✓ right", "✗ wrong", "a &lt;b&gt;cat")
        .doesNotContain("<b>cat");
    int right = count(page, "✓ right");
    int wrong = count(page, "✗ wrong");
    assertThat(right).isBetween(1, 8); // eight of each kind at most
    assertThat(wrong).isBetween(1, 8);
    assertThat(right + wrong).isGreaterThanOrEqualTo(9);
    // Each with a map of what led to its answer, and of what speaks for the true class.
    assertThat(count(page, "data:image/jpeg;base64,")).isEqualTo(2 * right + 3 * wrong);

    String[] probe = {
      "--model",
      MODEL,
      "--train",
      path("train"),
      "--test",
      path("test"),
      "--shots",
      "1",
      "--seeds",
      "1",
      "--out",
      path("probe")
    };
    assertThat(Examples.run(new LinearProbe(), probe)).isZero();
    JsonObject zeroShot = json("zs/zero-shot.json").getAsJsonObject("zero_shot");
    JsonObject last = zeroShot.getAsJsonArray("heads").get(2).getAsJsonObject();
    JsonObject study = json("probe/linear-probe.json");
    JsonObject set = study.getAsJsonArray("data_sets").get(0).getAsJsonObject();
    for (String measure : List.of("top1", "top5")) {
      assertThat(set.getAsJsonObject("zero_shot").getAsJsonObject(measure).get("value"))
          .isEqualTo(last.getAsJsonObject("metrics").getAsJsonObject(measure).get("value"));
    }
    assertThat(study.get("templates")).isEqualTo(last.get("templates"));
    assertThat(Files.readString(temp.resolve("probe/report.html")))
        .contains("As Evaluate measures it", "itap of a {}.");
  }

  @Test
  void retrieval_shows_pictures_of_both_directions() throws IOException {
    String[] retrieval = {
      "retrieval",
      "--model",
      MODEL,
      "--data",
      path("pairs.csv"),
      "--image-column",
      "file",
      "--caption-column",
      "caption",
      "--out",
      path("retrieval")
    };
    assertThat(Examples.run(new Evaluate(), retrieval)).isZero();
    String page = Files.readString(temp.resolve("retrieval/report.html"));
    assertThat(page)
        .contains("Most confident: images by text", "Most confident: texts by image")
        .contains("✗ wrong", "its own image", " a &lt;b&gt;cat&lt;/b&gt;")
        .doesNotContain("<b>cat");
    assertThat(count(page, "data:image/jpeg;base64,")).isGreaterThan(3 * 8);
  }
}
