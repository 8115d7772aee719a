package org.clip4j.weights;

import java.nio.FloatBuffer;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.clip4j.image.ImageTransform;
import org.clip4j.image.ImageTransform.Interpolation;
import org.clip4j.image.ImageTransform.ResizeMode;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.VisionConfig;
import org.clip4j.weights.tensors.CheckpointException;
import org.clip4j.weights.tensors.TensorFile;
import org.clip4j.weights.tensors.TensorInfo;
import org.clip4j.weights.tensors.TensorType;

/**
 * A view of the tensors of MobileCLIP as Apple publishes it ({@code mobileclip_s1.pt}, {@code _s2},
 * {@code _b} and {@code _blt}), under OpenCLIP's names and in its shapes (open_clip's {@code
 * convert_mobile_clip_state_dict}, timm's {@code checkpoint_filter_fn}). The image tower's
 * projection is a matrix there, and a linear map with a bias of zeros here.
 */
final class AppleTensors extends TensorView {
  private static final String IMAGES = "image_encoder.model.";
  private static final String TEXTS = "text_encoder.";
  private static final Pattern STAGE_END = Pattern.compile("network\\.(\\d+)\\.proj\\..*");
  private static final Pattern STAGE = Pattern.compile("network\\.(\\d+)(\\.proj|\\.pe|)\\.(.*)");

  /** Of FastViT, in this order. */
  private static final List<String[]> FAST_VIT =
      List.of(
          new String[] {"patch_embed", "stem"},
          new String[] {"rbr_conv", "conv_kxk"},
          new String[] {"rbr_scale", "conv_scale"},
          new String[] {"rbr_skip", "identity"},
          new String[] {"conv_exp", "final_conv"},
          new String[] {"lkb_origin", "large_conv"},
          new String[] {"convffn", "mlp"},
          new String[] {"se.reduce", "se.fc1"},
          new String[] {"se.expand", "se.fc2"});

  /** Of the ViT on a stem of convolutions. */
  private static final List<String[]> HYBRID =
      List.of(
          new String[] {"patch_emb.", "patch_embed.backbone."},
          new String[] {"block.conv", "conv"},
          new String[] {"block.norm", "bn"},
          new String[] {"post_transformer_norm.", "norm."},
          new String[] {"pre_norm_mha.0", "norm1"},
          new String[] {"pre_norm_mha.1", "attn"},
          new String[] {"pre_norm_ffn.0", "norm2"},
          new String[] {"pre_norm_ffn.1", "mlp.fc1"},
          new String[] {"pre_norm_ffn.4", "mlp.fc2"},
          new String[] {"qkv_proj.", "qkv."},
          new String[] {"out_proj.", "proj."},
          new String[] {"transformer.", "blocks."},
          new String[] {"pos_embed.pos_embed.pos_embed", "pos_embed"},
          new String[] {"classifier.proj", "head.weight"});

  private static final List<String[]> TEXT =
      List.of(
          new String[] {"projection_layer", "text_projection"},
          new String[] {"embedding_layer", "token_embedding"},
          new String[] {"positional_embedding.pos_embed.pos_embed", "positional_embedding"},
          new String[] {"final_layer_norm", "ln_final"},
          new String[] {"pre_norm_mha.0", "ln_1"},
          new String[] {"pre_norm_mha.1", "attn"},
          new String[] {"pre_norm_ffn.0", "ln_2"},
          new String[] {"pre_norm_ffn.1", "mlp.c_fc"},
          new String[] {"pre_norm_ffn.4", "mlp.c_proj"},
          new String[] {"qkv_proj.weight", "in_proj_weight"},
          new String[] {"qkv_proj.bias", "in_proj_bias"},
          new String[] {"transformer.", "transformer.resblocks."});

  private final Map<String, TensorInfo> tensors = new LinkedHashMap<>();

  /** By OpenCLIP's names; null for zeros. */
  private final Map<String, TensorInfo> stored = new LinkedHashMap<>();

  private String projection = ""; // the one that is stored as its transpose

  private AppleTensors(TensorFile whole) {
    super(whole);
    TreeSet<Integer> ends = new TreeSet<>();
    for (String name : whole.tensors().keySet()) {
      Matcher end = STAGE_END.matcher(name.replace(IMAGES, ""));
      if (end.matches()) {
        ends.add(Integer.parseInt(end.group(1)));
      }
    }
    for (TensorInfo info : whole.tensors().values()) {
      String old = info.name();
      if (old.startsWith(IMAGES)) {
        String name = old.substring(IMAGES.length());
        addImage(ends.isEmpty() ? renamed(name, HYBRID) : fastVit(name, ends), info);
      } else if (old.startsWith(TEXTS)) {
        add("text." + renamed(old.substring(TEXTS.length()), TEXT), info, squeezed(info, 2));
      } else {
        add(old, info, info.shape());
      }
    }
  }

  /** Whether tensors have Apple's names. */
  static boolean isApple(TensorFile file) {
    return file.tensors().keySet().stream().anyMatch(name -> name.startsWith(IMAGES));
  }

  /** Gives the tensors their names and shapes of OpenCLIP; the file itself if it has others. */
  static TensorFile of(TensorFile file) {
    return isApple(file) ? new AppleTensors(file) : file;
  }

  /**
   * Tells the architecture.
   *
   * @throws CheckpointException if it is none of those that OpenCLIP has
   */
  static ClipConfig architecture(TensorFile file) throws CheckpointException {
    List<String> fitting =
        OpenAiArchitecture.candidates(file.tensors()).stream()
            .filter(name -> name.startsWith("MobileCLIP-"))
            .toList();
    if (fitting.isEmpty()) {
      throw new CheckpointException(
          file.file()
              + " has the names of Apple's MobileCLIP, but the tensors of none of MobileCLIP-S1,"
              + " MobileCLIP-S2 and MobileCLIP-B; the text tower of MobileCLIP-S0 has convolutions,"
              + " which OpenCLIP does not know either");
    }
    return ClipConfig.named(fitting.get(0));
  }

  /** Gives the transform of Apple's code, which does not normalise. */
  static ImageTransform transform(VisionConfig vision) {
    return new ImageTransform(
        vision.imageHeight(),
        vision.imageWidth(),
        new float[3],
        new float[] {1, 1, 1},
        Interpolation.BILINEAR,
        ResizeMode.SHORTEST);
  }

  private static String renamed(String name, List<String[]> rules) {
    String found = name;
    for (String[] rule : rules) {
      found = found.replace(rule[0], rule[1]);
    }
    return found;
  }

  private static String fastVit(String old, TreeSet<Integer> ends) {
    String name =
        renamed(old, FAST_VIT)
            .replaceAll("layer_scale_([0-9])", "layer_scale_$1.gamma")
            .replaceAll("layer_scale$", "layer_scale.gamma")
            .replaceAll("^head\\.proj$", "head.fc.weight");
    Matcher stage = STAGE.matcher(name);
    if (!stage.matches()) {
      return name;
    }
    int index = Integer.parseInt(stage.group(1));
    String part =
        switch (stage.group(2)) {
          case ".proj" -> ".downsample.proj.";
          case ".pe" -> ".pos_emb.pos_enc.";
          default -> ".blocks.";
        };
    return "stages." + ends.headSet(index, true).size() + part + stage.group(3);
  }

  private void addImage(String name, TensorInfo info) {
    String known = "visual.trunk." + name;
    List<Long> shape = info.shape();
    if ((name.equals("head.weight") || name.equals("head.fc.weight")) && shape.size() == 2) {
      projection = known;
      add(known, info, List.of(shape.get(1), shape.get(0)));
      add(known.replaceFirst("weight$", "bias"), null, List.of(shape.get(1)));
    } else {
      add(known, info, name.equals("pos_embed") ? squeezed(info, 3) : shape);
    }
  }

  /** Without the leading ones of positions, which have four dimensions. */
  private static List<Long> squeezed(TensorInfo info, int dimensions) {
    List<Long> shape = info.shape();
    return shape.size() == 4 ? shape.subList(4 - dimensions, 4) : shape;
  }

  private void add(String name, TensorInfo info, List<Long> shape) {
    stored.put(name, info);
    tensors.put(name, new TensorInfo(name, info == null ? TensorType.F32 : info.type(), shape));
  }

  @Override
  public Map<String, TensorInfo> tensors() {
    return Collections.unmodifiableMap(tensors);
  }

  @Override
  public void copy(String name, long from, FloatBuffer target, boolean finite) {
    TensorInfo old = stored.get(name);
    if (tensors.containsKey(name) && old == null) {
      target.put(new float[target.remaining()]);
    } else if (name.equals(projection)) {
      FloatBuffer matrix = FloatBuffer.allocate(old.arraySize(file()));
      whole.copy(old.name(), 0, matrix, finite);
      int rows = old.shape().get(0).intValue();
      int columns = old.shape().get(1).intValue();
      for (int i = (int) from; target.hasRemaining(); i++) {
        target.put(matrix.get(i % rows * columns + i / rows));
      }
    } else {
      whole.copy(stored(name), from, target, finite);
    }
  }

  @Override
  String stored(String name) {
    TensorInfo old = stored.get(name);
    return old == null ? name : old.name(); // which the file does not have
  }
}
