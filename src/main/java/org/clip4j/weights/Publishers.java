package org.clip4j.weights;

import java.nio.file.Path;
import java.util.regex.Pattern;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.SigLipConfig;
import org.clip4j.weights.tensors.CheckpointException;

/**
 * Publishers whose models have QuickGELU, by the names of their files: the rows of OpenCLIP's table
 * of pretrained models (open_clip/pretrained.py, 3.3) that say {@code quick_gelu=True}. A model
 * loaded with the other activation gives embeddings that look right and are not.
 */
final class Publishers {
  /** Of a file, of the folder it is in, or of a repository. */
  private static final Pattern QUICK_GELU =
      Pattern.compile(
          String.join(
              "|",
              "(rn50|rn101|vit_b_32)-quickgelu-.*\\.pt",
              "(models--)?openai(--|/)clip-.*",
              ".*_clip_?\\d*\\.(openai|yfcc15m|cc12m|laion400m_e3[12]|metaclip_400m|metaclip_2pt5b)",
              "(.*--|.*/)?metaclip-[blh]\\d\\d-(400m|fullcc2\\.5b)",
              "[blhg]\\d\\d_(400m|fullcc2\\.5b)\\.pt",
              "(.*--|.*/)?DFN2B-CLIP-ViT-[BL]-1[46]",
              "(.*--|.*/)?DFN5B-CLIP-ViT-H-14(-378)?",
              "(.*--|.*/)?metaclip-2-worldwide-\\w+-quickgelu"),
          Pattern.CASE_INSENSITIVE);

  /** A file in the hub's cache lies this far below the folder with its repository's name. */
  private static final int FOLDERS = 4;

  private Publishers() {}

  /**
   * Compares the activation with what the publisher is known to use.
   *
   * @param openAi whether the file is an archive of OpenAI's
   * @throws CheckpointException if the publisher uses QuickGELU and the configuration does not
   */
  static void check(Path file, boolean openAi, ClipConfig config) throws CheckpointException {
    if (config.quickGelu() || config.vision() instanceof SigLipConfig) {
      return;
    }
    String publisher = openAi ? "OpenAI's TorchScript archives" : publisher(file);
    if (publisher != null) {
      throw new CheckpointException(
          file
              + ": "
              + publisher
              + " use QuickGELU, but the configuration says GELU; load it with \"quick_gelu\": true"
              + ", for example as the architecture ViT-B-32-quickgelu and not ViT-B-32");
    }
  }

  private static String publisher(Path file) {
    Path path = file.toAbsolutePath();
    for (int i = 0; i < FOLDERS && path != null && path.getFileName() != null; i++) {
      String name = path.getFileName().toString();
      if (QUICK_GELU.matcher(name).matches()) {
        return "models published as \"" + name + "\"";
      }
      path = path.getParent();
    }
    return null;
  }
}
