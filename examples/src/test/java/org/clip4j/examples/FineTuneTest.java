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
import org.clip4j.model.LoraAdapter;
import org.clip4j.weights.Checkpoint;
import org.clip4j.weights.PeftAdapter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A fine-tuning by every method, on the smallest golden model. */
class FineTuneTest {
  private static final String MODEL = "../src/test/resources/golden/hf-clip";

  @TempDir Path temp;

  private String draw(String name, List<String> classes, int seed) throws IOException {
    Random random = new Random(seed);
    for (String label : classes) {
      Path folder = Files.createDirectories(temp.resolve(name).resolve(label));
      int base = label.hashCode() & 0xFFFFFF;
      for (int i = 0; i < 10; i++) {
        BufferedImage image = new BufferedImage(40, 40, BufferedImage.TYPE_INT_RGB);
        for (int p = 0; p < 40 * 40; p++) {
          image.setRGB(p % 40, p / 40, base ^ random.nextInt(64));
        }
        ImageIO.write(image, "png", folder.resolve(i + ".png").toFile());
      }
    }
    return temp.resolve(name).toString();
  }

  @Test
  void every_method_is_trained_measured_and_written() throws IOException {
    Path out = temp.resolve("out");
    String task = draw("task", List.of("red", "green_field", "blue"), 1);
    String[] arguments = {
      "--model",
      MODEL,
      "--data",
      task,
      "--test",
      draw("test", List.of("red", "green_field", "blue"), 2),
      "--keep",
      draw("keep", List.of("dog", "cat"), 3),
      "--shifted",
      "noisy=" + draw("noisy", List.of("red", "blue"), 4),
      "--method",
      "lora,full,flyp,head",
      "--alphas",
      "0,0.5,1",
      "--lr",
      "full=1e-3,flyp=1e-3",
      "--epochs",
      "2",
      "--batch-size",
      "8",
      "--out",
      out.toString()
    };
    assertThat(Examples.run(new FineTune(), arguments)).isZero();
    JsonObject json =
        JsonParser.parseString(Files.readString(out.resolve("fine-tune.json"))).getAsJsonObject();
    assertThat(json.get("training_images").getAsInt()).isEqualTo(24);
    assertThat(json.get("test_images").getAsInt()).isEqualTo(30);
    for (String method : List.of("lora", "full", "flyp", "head")) {
      JsonObject found = json.getAsJsonObject(method);
      JsonObject first = found.getAsJsonArray("sweep").get(0).getAsJsonObject();
      assertThat(found.getAsJsonArray("sweep")).hasSize(3);
      // Alpha 0 is the base, whatever was trained.
      assertThat(first.getAsJsonObject("test").get("target"))
          .isEqualTo(json.getAsJsonObject("base").get("target"));
      assertThat(first.getAsJsonObject("test").get("shift"))
          .isEqualTo(json.getAsJsonObject("base").get("kept"));
      assertThat(found.get("peak_bytes").getAsDouble()).isNotZero();
      try (Checkpoint merged = Checkpoint.open(out.resolve(method).resolve("model"))) {
        assertThat(merged.tokenizer()).isPresent();
      }
    }
    long all = json.getAsJsonObject("full").get("trainable_parameters").getAsLong();
    assertThat(json.getAsJsonObject("flyp").get("trainable_parameters").getAsLong()).isEqualTo(all);
    assertThat(json.getAsJsonObject("lora").get("trainable_parameters").getAsLong())
        .isLessThan(all / 10);
    assertThat(json.getAsJsonObject("head").get("trainable_parameters").getAsLong())
        .isLessThan(all / 2);
    Path adapter = out.resolve("lora/run");
    Path merged = temp.resolve("merged");
    String[] conversion = {
      "--from",
      MODEL,
      "--adapter",
      adapter.toString(),
      "--to",
      merged.toString(),
      "--format",
      "openclip"
    };
    assertThat(Examples.run(new Convert(), conversion)).isZero();
    try (Checkpoint base = Checkpoint.open(Path.of(MODEL));
        Checkpoint written = Checkpoint.open(merged)) {
      LoraAdapter added = PeftAdapter.read(adapter, base.config());
      String name = added.maps().get(0).parameter();
      assertThat(written.parameters().read(name))
          .isEqualTo(added.addedTo(base.config(), base.parameters()).read(name))
          .isNotEqualTo(base.parameters().read(name));
    }
    assertThat(Files.readString(out.resolve("report.html")))
        .contains(
            "What each method gains and forgets", "flyp: between base and tuned", "kept task");
  }

  @Test
  void a_report_of_nothing_kept_draws_no_line_of_it() throws IOException {
    Path out = temp.resolve("out");
    String[] arguments = {
      "--model",
      MODEL,
      "--data",
      draw("task", List.of("red", "blue"), 1),
      "--method",
      "head",
      "--alphas",
      "0,1",
      "--epochs",
      "1",
      "--out",
      out.toString()
    };
    assertThat(Examples.run(new FineTune(), arguments)).isZero();
    assertThat(Files.readString(out.resolve("report.html")))
        .contains("head: between base and tuned")
        .doesNotContain("kept task</");
    assertThat(Files.readString(out.resolve("fine-tune.json")))
        .contains("\"kept\": null")
        .doesNotContain("NaN");
  }

  @Test
  void a_method_that_does_not_suit_the_model_is_refused_before_others_train() throws IOException {
    String[] arguments = {
      "--model",
      "../src/test/resources/golden/openclip-rn",
      "--data",
      draw("task", List.of("red", "blue"), 1),
      "--method",
      "full,lora",
      "--out",
      temp.resolve("out").toString()
    };
    assertThat(Examples.run(new FineTune(), arguments)).isNotZero();
    assertThat(temp.resolve("out/full")).doesNotExist();
  }

  /** Ten images of a colour, each named by two rows of a table. */
  private String captions(String name, int seed) throws IOException {
    String folder = draw(name, List.of("red", "green", "blue"), seed);
    StringBuilder table = new StringBuilder("file,caption,also\n");
    for (int i = 0; i < 10; i++) {
      for (String colour : List.of("red", "green", "blue")) {
        table.append(colour + "/" + i + ".png," + colour + " number " + i + ",a " + colour + "\n");
        table.append(colour + "/" + i + ".png,picture " + i + " in " + colour + ",\n");
      }
    }
    return Files.writeString(Path.of(folder).resolve("captions.csv"), table).toString();
  }

  @Test
  void captions_train_and_are_measured_by_retrieval_among_pairs_that_do_not_train()
      throws IOException {
    Path out = temp.resolve("out");
    String[] arguments = {
      "--model",
      MODEL,
      "--data",
      captions("task", 1),
      "--caption-column",
      "caption,also",
      "--keep",
      draw("keep", List.of("dog", "cat"), 3),
      "--method",
      "lora,full",
      "--alphas",
      "0,1",
      "--lr",
      "full=1e-3",
      "--epochs",
      "2",
      "--batch-size",
      "6",
      "--out",
      out.toString()
    };
    assertThat(Examples.run(new FineTune(), arguments)).isZero();
    JsonObject json =
        JsonParser.parseString(Files.readString(out.resolve("fine-tune.json"))).getAsJsonObject();
    // Of 30 images with two rows each, every fifth tests and every fifth chooses.
    assertThat(json.get("training_images").getAsInt()).isEqualTo(18);
    assertThat(json.get("test_images").getAsInt()).isEqualTo(6);
    JsonObject base = json.getAsJsonObject("base");
    assertThat(base.getAsJsonObject("recalls").keySet())
        .containsExactly(
            "image by text, R@1",
            "image by text, R@5",
            "image by text, R@10",
            "text by image, R@1",
            "text by image, R@5",
            "text by image, R@10");
    assertThat(base.getAsJsonObject("recalls").get("image by text, R@10").getAsDouble())
        .isEqualTo(1); // of six images
    for (String method : List.of("lora", "full")) {
      JsonObject first =
          json.getAsJsonObject(method).getAsJsonArray("sweep").get(0).getAsJsonObject();
      assertThat(first.getAsJsonObject("test").get("target")).isEqualTo(base.get("target"));
      assertThat(first.getAsJsonObject("test").get("shift")).isEqualTo(base.get("kept"));
      assertThat(out.resolve(method).resolve("model/open_clip_config.json")).exists();
    }
    assertThat(Files.readString(out.resolve("report.html")))
        .contains("mean R@1 of images by text", "Retrieval", "on captions: 2 epochs");
  }

  @Test
  void prompts_of_classes_are_refused_for_captions_before_anything_is_trained() throws IOException {
    String[] arguments = {
      "--model",
      MODEL,
      "--data",
      captions("task", 1),
      "--caption-column",
      "caption",
      "--method",
      "lora,flyp",
      "--out",
      temp.resolve("out").toString()
    };
    assertThat(Examples.run(new FineTune(), arguments)).isNotZero();
    assertThat(temp.resolve("out/lora")).doesNotExist();
  }

  @Test
  void a_test_set_of_other_labels_is_refused_before_anything_is_trained() throws IOException {
    String[] arguments = {
      "--model", MODEL,
      "--data", draw("task", List.of("red", "blue"), 1),
      "--test", draw("test", List.of("red", "purple"), 2),
      "--out", temp.resolve("out").toString()
    };
    assertThat(Examples.run(new FineTune(), arguments)).isNotZero();
    assertThat(temp.resolve("out/lora")).doesNotExist();
  }
}
