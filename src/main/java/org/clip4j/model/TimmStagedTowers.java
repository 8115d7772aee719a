package org.clip4j.model;

import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.clip4j.model.TimmHead.Projection;

/**
 * Staged image towers that OpenCLIP's configurations only name, after timm's models
 * (timm/models/convnext.py and fastvit.py, 1.0), and those of the small towers of the reference
 * data. They take images of any size, and OpenCLIP puts a head of its own on their pooled features.
 */
final class TimmStagedTowers {
  private static final TimmHead LINEAR = new TimmHead(Projection.LINEAR, false);

  /** By their names, for images of their own size, which is 224 pixels unless a line says it. */
  private static final Map<String, TimmStagedConfig> TOWERS = new LinkedHashMap<>();

  static {
    // blocks and channels of each stage, epsilon
    add(
        """
    convnext_tiny 3,3,9,3 96,192,384,768 1e-6
    convnext_small 3,3,27,3 96,192,384,768 1e-6
    convnext_base 3,3,27,3 128,256,512,1024 1e-6
    convnext_large 3,3,27,3 192,384,768,1536 1e-6
    convnext_xlarge 3,3,27,3 256,512,1024,2048 1e-6
    convnext_xxlarge 3,4,30,3 384,768,1536,3072 1e-5
    convnext_small_reference 1,1,2,1 16,24,32,48 1e-6
    """,
        cells ->
            new ConvNextConfig(
                224,
                224,
                numbers(cells[1]),
                numbers(cells[2]),
                Double.parseDouble(cells[3]),
                LINEAR));
    // blocks and channels of each stage, MLP ratio, stages with attention, large
    add(
        """
    fastvit_mci0 2,6,10,2 64,128,256,512 3 1 false
    fastvit_mci1 4,12,20,4 64,128,256,512 3 1 false
    fastvit_mci2 4,12,24,4 80,160,320,640 3 1 false
    fastvit_mci3 2,12,24,4,2 96,192,384,768,1536 4 2 true
    fastvit_mci4 2,12,24,4,4 128,256,512,1024,2048 4 2 true
    fastvit_small_reference 1,1,2,1 8,16,32,32 3 1 false
    fastvit_large_reference 1,1,1,1,1 8,16,32,32,32 4 2 true
    """,
        cells ->
            new FastVitConfig(
                224,
                224,
                numbers(cells[1]),
                numbers(cells[2]),
                Double.parseDouble(cells[3]),
                Integer.parseInt(cells[4]),
                Boolean.parseBoolean(cells[5]),
                false,
                LINEAR));
    addSwins();
  }

  private static void addSwins() {
    // image, blocks of each stage, channels of the first, heads of each, window
    add(
        """
    swin_base_patch4_window7_224 224 2,2,18,2 128 4,8,16,32 7
    swin_small_reference 56 2,2 16 1,2 7
    """,
        cells -> {
          int size = Integer.parseInt(cells[1]);
          int width = Integer.parseInt(cells[3]);
          int window = Integer.parseInt(cells[5]);
          return new SwinConfig(
              size, size, numbers(cells[2]), width, numbers(cells[4]), window, LINEAR);
        });
  }

  private TimmStagedTowers() {}

  /** Adds the towers of a table whose lines begin with their names. */
  private static void add(String lines, Function<String[], TimmStagedConfig> ofCells) {
    lines
        .lines()
        .map(line -> line.split(" "))
        .forEach(cells -> TOWERS.put(cells[0], ofCells.apply(cells)));
  }

  private static List<Integer> numbers(String list) {
    return Arrays.stream(list.split(",")).map(Integer::valueOf).toList();
  }

  static Set<String> names() {
    return TOWERS.keySet();
  }

  /** Reads the tower under {@code timm_model_name}, which is one of {@link #names}. */
  static VisionConfig read(ConfigFields f, int height, int width) {
    TimmStagedConfig tower = TOWERS.get(f.textOrNull("timm_model_name"));
    TimmHead head = readHead(f);
    boolean outside = head.projection() == Projection.LINEAR || head.projection() == Projection.MLP;
    String pool = f.textOrNull("timm_pool", "avg");
    if (!"avg".equals(pool) && !(outside && "".equals(pool))) {
      throw f.bad(
          "timm_pool",
          "a "
              + tower.family()
              + " has timm_pool \"avg\", or \"\" for it where timm_proj is linear or mlp");
    }
    if (f.share("patch_dropout") > 0) {
      throw f.bad("patch_dropout", "a " + tower.family() + " has no patches");
    }
    boolean isOwn = height == tower.imageHeight() && width == tower.imageWidth();
    if (tower instanceof SwinConfig && !isOwn) {
      throw f.bad(
          "image_size",
          "the tower that timm_model_name names takes images of " + tower.imageHeight());
    }
    return tower.withHead(head).withImageSize(height, width);
  }

  private static TimmHead readHead(ConfigFields f) {
    String projection = TimmTowers.projection(f);
    boolean bias = f.flag("timm_proj_bias", false);
    if (projection == null) {
      return new TimmHead(Projection.CLASSIFIER, true);
    }
    return switch (f.word("timm_proj", projection, List.of("linear", "mlp", "none"))) {
      case "mlp" -> new TimmHead(Projection.MLP, bias);
      case "none" -> new TimmHead(Projection.NONE, false);
      default -> new TimmHead(Projection.LINEAR, bias);
    };
  }

  static JsonObject write(TimmStagedConfig vision) {
    TimmStagedConfig unfolded = vision instanceof FastVitConfig f ? f.withFolded(false) : vision;
    TimmStagedConfig linear = unfolded.withHead(LINEAR);
    TimmStagedConfig plain = vision instanceof SwinConfig ? linear : linear.withImageSize(224, 224);
    String name =
        TOWERS.entrySet().stream()
            .filter(tower -> tower.getValue().equals(plain))
            .map(Map.Entry::getKey)
            .findFirst()
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "OpenCLIP knows a "
                            + vision.family()
                            + " only by a name of timm's, and none of those is "
                            + plain));
    JsonObject json = new JsonObject();
    ClipConfigWriter.addImageSize(json, vision);
    json.addProperty("timm_model_name", name);
    json.addProperty("timm_model_pretrained", false);
    json.addProperty("timm_pool", "avg");
    TimmHead head = vision.head();
    switch (head.projection()) {
      case LINEAR -> json.addProperty("timm_proj", "linear");
      case MLP -> json.addProperty("timm_proj", "mlp");
      case NONE -> json.addProperty("timm_proj", "none");
      case CLASSIFIER -> json.add("timm_proj", JsonNull.INSTANCE);
    }
    if (head.bias() && head.projection() != Projection.CLASSIFIER) {
      json.addProperty("timm_proj_bias", true);
    }
    return json;
  }
}
