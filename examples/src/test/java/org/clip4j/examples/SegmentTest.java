package org.clip4j.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class SegmentTest {
  private static final Path GOLDEN = Path.of("../src/test/resources/golden");

  @TempDir Path folder;

  @Test
  void masks_are_painted_and_shown_on_a_page() throws IOException {
    int status =
        new CommandLine(new Segment())
            .execute(
                "--model",
                GOLDEN.resolve("hf-clipseg").toString(),
                "--image",
                GOLDEN.resolve("preprocess/rgb.png").toString(),
                "--text",
                "a <b>cat</b>",
                "a jar",
                "--example-image",
                GOLDEN.resolve("preprocess/truecolor.bmp").toString(),
                "--out",
                folder.toString());
    assertThat(status).isZero();
    BufferedImage painted = ImageIO.read(folder.resolve("rgb.png").toFile());
    assertThat(painted.getWidth()).isEqualTo(420);
    assertThat(painted.getHeight()).isEqualTo(301 + 3 * 22 + 8); // with the legend
    assertThat(painted.getRGB(10, 301 + 10) & 0xffffff).isEqualTo(0xE69F00);
    for (int prompt = 1; prompt <= 3; prompt++) {
      BufferedImage mask = ImageIO.read(folder.resolve("rgb-" + prompt + ".png").toFile());
      assertThat(mask.getWidth()).isEqualTo(420);
      assertThat(mask.getHeight()).isEqualTo(301);
    }
    assertThat(Files.readString(folder.resolve("index.html")))
        .contains("a &lt;b&gt;cat&lt;/b&gt;", "like truecolor.bmp", "src=\"rgb-3.png\"")
        .doesNotContain("<b>cat");
  }

  @Test
  void something_to_look_for_is_needed() {
    StringWriter err = new StringWriter();
    int status =
        new CommandLine(new Segment())
            .setErr(new PrintWriter(err))
            .execute("--model", "x", "--image", "y");
    assertThat(status).isEqualTo(2);
    assertThat(err.toString()).contains("--text, --example-image");
  }
}
