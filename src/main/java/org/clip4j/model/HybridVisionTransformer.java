package org.clip4j.model;

import org.clip4j.engine.internal.LinearLayout.Operation;
import org.clip4j.model.ImageDeclaration.Positions;
import org.clip4j.model.ParameterSpec.Init;

/**
 * The image encoder as timm's {@code vit_base_mci_224}, MobileCLIP-B's: a {@code VisionTransformer}
 * whose patches are embedded by three convolutions, and whose class token has no position.
 */
final class HybridVisionTransformer {
  private static final String BLOCKS = "blocks.";
  private static final String STEM = "patch_embed.backbone.";

  /** A convolution whose stride is its kernel is a linear map of each cell. */
  private static final String SOURCE =
      """
      def embed_{pass}(self, pixels: Tensor, p: List[Tensor]) -> Tensor:
        return self.tokens(self.stem_{pass}(pixels, p), {pos_embed}, p)  # [N, L, D]

      def embed_kept_{pass}(self, pixels: Tensor, kept: Tensor, p: List[Tensor]) -> Tensor:
        positions = self.rows(torch.select({pos_embed}, 0, 0), kept)
        index = torch.expand(torch.unsqueeze(kept, 2), [-1, -1, {D}])
        return self.tokens(torch.gather(self.stem_{pass}(pixels, p), 1, index), positions, p)

      def stem_{pass}(self, x: Tensor, p: List[Tensor]) -> Tensor:
        y = {0}
        y = self.batch_norm_{pass}(torch.permute(self.full(y), [0, 3, 1, 2]), {patch_embed.backbone.0.bn.*})
        x = {gelu}  # [N, D/4, h/4, w/4]
        y = {1}
        y = self.batch_norm_{pass}(torch.permute(self.full(y), [0, 3, 1, 2]), {patch_embed.backbone.1.bn.*})
        x = {gelu}  # [N, D/4, h/8, w/8]
        y = {2}
        return self.full(torch.flatten(y, 1, 2))  # [N, patches, D]

      """;

  private static final String SHARED =
      """
      def cells(self, x: Tensor, k: int) -> Tensor:
        h = torch.size(x, 2) // k
        w = torch.size(x, 3) // k
        x = torch.slice(torch.slice(x, 2, 0, h * k), 3, 0, w * k)
        x = torch.reshape(x, [torch.size(x, 0), -1, h, k, w, k])
        return torch.flatten(torch.permute(x, [0, 2, 4, 1, 3, 5]), 3)  # [N, h, w, C k k]

      def tokens(self, x: Tensor, positions: Tensor, p: List[Tensor]) -> Tensor:
        token = torch.expand({cls_token}, [torch.size(x, 0), 1, {D}])
        return torch.cat([token, torch.add(x, positions)], 1)

      def project(self, x: Tensor, p: List[Tensor]) -> Tensor:
        return self.full(self.linear(torch.layer_norm(x, [{D}], {norm.*}, {eps}), {head.*}))  # [N, E]

      """;

  private HybridVisionTransformer() {}

  /** Declares the tower. */
  static PatchTower.Declaration declare(ClipConfig config, TimmVitConfig vision) {
    Activation activation = Activation.of(vision.tanhGelu(), false);
    AttentionKind kind =
        AttentionKind.of(vision, activation, AttentionKind.TIMM, BlockStarts.timm());
    Parameters parameters = parameters(vision, kind, config.embedDim());
    return new PatchTower.Declaration(
        vision,
        "visual.trunk.",
        BLOCKS,
        parameters,
        kind,
        new Positions("pos_embed", 0),
        null,
        PatchTower.Pooling.FIRST,
        use -> source(vision, parameters, use),
        Convolutions.NONE);
  }

  private static Parameters parameters(TimmVitConfig vision, AttentionKind block, int embedDim) {
    int width = vision.width();
    Init weight = Init.normal(0.02);
    Init last = Init.uniformOf(width);
    return new Parameters()
        .add("cls_token", Init.normal(1e-6), 1, 1, width)
        .add("pos_embed", weight, 1, vision.patches(), width)
        .conv(STEM + "0.conv", STEM + "0.bn", 1, 3, width / 4, 4)
        .conv(STEM + "1.conv", STEM + "1.bn", 1, width / 4, width / 4, 2)
        .linear(STEM + "2.conv", last, last, width, width / 4, 2, 2)
        .blocks(BLOCKS, block.parameters(), vision.layers())
        .norm("norm", width)
        .linear("head", weight, Init.constant(0), embedDim, width)
        .lay(STEM + "0.conv.", Operation.PRODUCT)
        .lay(STEM + "1.conv.", Operation.PRODUCT)
        .lay(STEM + "2.conv.", Operation.PRODUCT);
  }

  private static String source(TimmVitConfig vision, Parameters parameters, TowerKernels.Use use) {
    boolean packs = use == TowerKernels.Use.PREPARED;
    String source = SOURCE;
    for (int i = 0; i < 3; i++) {
      String cells = "self.cells(x, " + (i == 0 ? 4 : 2) + ")";
      source = source.replace("{" + i + "}", parameters.map(cells, STEM + i + ".conv.", packs));
    }
    Activation activation = Activation.of(vision.tanhGelu(), false);
    return StagedTower.passes(StagedTower.BATCH_NORM)
        + parameters.resolve(
            (StagedTower.passes(source) + SHARED)
                .replace("{gelu}", StagedTower.gelu(activation, use))
                .replace("{D}", Integer.toString(vision.width()))
                .replace("{eps}", Double.toString(vision.normEpsilon())),
            packs);
  }
}
