package org.clip4j.model;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.clip4j.engine.internal.LinearLayout.Operation;
import org.clip4j.model.ImageDeclaration.Positions;
import org.clip4j.model.ParameterSpec.Init;

/**
 * The image encoder as timm's plain {@code VisionTransformer} with {@code global_pool='token'}: a
 * class token, with {@code pre_norm} a LayerNorm before the blocks, and a linear head on the
 * token's last LayerNorm, the trunk's own or OpenCLIP's after it.
 */
final class TimmVisionTransformer {
  private static final String BLOCKS = "trunk.blocks.";

  private static final String SOURCE =
      """
      def embed(self, pixels: Tensor, p: List[Tensor]) -> Tensor:
        return self.tokens(self.patches(pixels), {pos_embed}, p)  # [N, L, D]

      def embed_kept(self, pixels: Tensor, kept: Tensor, p: List[Tensor]) -> Tensor:
        first = torch.expand(torch.slice({pos_embed}, 1, 0, 1), [torch.size(kept, 0), 1, {D}])
        grid = torch.select(torch.slice({pos_embed}, 1, 1), 0, 0)
        positions = torch.cat([first, self.rows(grid, kept)], 1)  # [N, K+1, D]
        return self.tokens(self.kept_patches(pixels, kept), positions, p)  # [N, K+1, D]

      def tokens(self, patches: Tensor, positions: Tensor, p: List[Tensor]) -> Tensor:
        x = {project_patches}
        token = torch.expand({cls_token}, [torch.size(x, 0), 1, {D}])
        x = torch.add(torch.cat([token, self.full(x)], 1), positions)
        return {pre}

      def project(self, x: Tensor, p: List[Tensor]) -> Tensor:
        x = torch.layer_norm(x, [{D}], {norm.*}, {eps})
        return self.full({head})  # [N, E]

      """;

  private TimmVisionTransformer() {}

  /** Declares the tower. */
  static PatchTower.Declaration declare(ClipConfig config, TimmVitConfig vision) {
    Activation activation = Activation.of(vision.tanhGelu(), false);
    AttentionKind kind =
        AttentionKind.of(vision, activation, AttentionKind.TIMM, BlockStarts.timm());
    Parameters parameters = parameters(vision, kind, config.embedDim());
    String source =
        SOURCE
            .replace(
                "{pre}", vision.preNorm() ? "torch.layer_norm(x, [{D}], {norm_pre.*}, {eps})" : "x")
            .replace(
                "{head}",
                vision.linearHead()
                    ? "self.matmul(x, torch.t({head.weight}))"
                    : "self.linear(x, {head.*})");
    return new PatchTower.Declaration(
        vision,
        "visual.",
        BLOCKS,
        parameters,
        kind,
        new Positions("trunk.pos_embed", 1),
        null,
        PatchTower.Pooling.FIRST,
        PatchTower.source(vision, parameters, "patch_embed.proj.", source),
        Convolutions.NONE);
  }

  private static Parameters parameters(TimmVitConfig vision, AttentionKind block, int embedDim) {
    int width = vision.width();
    int patch = vision.patchSize();
    Init weight = Init.normal(0.02);
    Init conv = Init.uniformOf(3.0 * patch * patch);
    Map<String, String> published = new HashMap<>();
    for (String name : List.of("cls_token", "pos_embed", "patch_embed.", "norm_pre.", "norm.")) {
      published.put(name, "trunk." + name);
    }
    published.put("head.", vision.linearHead() ? "head.proj." : "trunk.head.");
    Parameters parameters = new Parameters(published);
    parameters
        .add("cls_token", Init.normal(1e-6), 1, 1, width)
        .add("pos_embed", weight, 1, vision.patches() + 1L, width)
        .add("patch_embed.proj.weight", conv, width, 3, patch, patch);
    if (vision.preNorm()) {
      parameters.norm("norm_pre", width);
    } else {
      parameters.add("patch_embed.proj.bias", Init.constant(0), width);
    }
    parameters.blocks(BLOCKS, block.parameters(), vision.layers()).norm("norm", width);
    if (vision.linearHead()) {
      parameters.add("head.weight", Init.uniformOf(width), embedDim, width);
    } else {
      parameters.linear("head", weight, Init.constant(0), embedDim, width);
    }
    return parameters.lay("patch_embed.proj.", Operation.PRODUCT);
  }
}
