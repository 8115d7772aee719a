package org.clip4j.model;

import java.util.Map;
import org.clip4j.engine.internal.LinearLayout.Operation;
import org.clip4j.model.ImageDeclaration.Positions;
import org.clip4j.model.ParameterSpec.Init;

/**
 * The image encoder as a Vision Transformer (Radford et al. 2021, section 2.4; OpenCLIP's {@code
 * VisionTransformer}): patches are projected, a class token is put before them, positions are
 * added, and the class token after the last block, or the mean of the patches, is the image's
 * feature; CoCa pools by attention, see {@link AttentionalPooler}.
 */
final class VisionTransformer {
  private static final String BLOCKS = "transformer.resblocks.";

  private static final String SOURCE =
      """
      def embed(self, pixels: Tensor, p: List[Tensor]) -> Tensor:
        return self.tokens(self.patches(pixels), {positional_embedding}, p)  # [N, L, D]

      def embed_kept(self, pixels: Tensor, kept: Tensor, p: List[Tensor]) -> Tensor:
        first = torch.expand(torch.slice({positional_embedding}, 0, 0, 1), [torch.size(kept, 0), 1, {D}])
        positions = torch.cat([first, self.rows(torch.slice({positional_embedding}, 0, 1), kept)], 1)  # [N, K+1, D]
        return self.tokens(self.kept_patches(pixels, kept), positions, p)  # [N, K+1, D]

      def tokens(self, patches: Tensor, positions: Tensor, p: List[Tensor]) -> Tensor:
        x = {project_patches}
        token = torch.expand(torch.reshape({class_embedding}, [1, 1, {D}]), [torch.size(x, 0), 1, {D}])
        x = torch.add(torch.cat([token, self.full(x)], 1), positions)
        return {pre}

      """;

  private static final String PROJECT =
      """
      def norm(self, x: Tensor, p: List[Tensor]) -> Tensor:
        return torch.layer_norm(x, [{D}], {ln_post.*}, {eps})

      def project(self, x: Tensor, p: List[Tensor]) -> Tensor:
        return self.full(self.matmul({pooled}, {proj}))  # [N, E]

      """;

  private static final String LN_PRE = "torch.layer_norm(x, [{D}], {ln_pre.*}, {eps})";

  private static final String TOKEN = "self.norm(x, p)";
  private static final String MEAN = "torch.mean(torch.slice(self.norm(x, p), 1, 1), [1])";
  private static final String NORM_OF_MEAN = "self.norm(torch.mean(torch.slice(x, 1, 1), [1]), p)";

  private VisionTransformer() {}

  /** Declares the tower. */
  static PatchTower.Declaration declare(ClipConfig config, VitConfig vision) {
    AttentionKind kind =
        AttentionKind.of(
            vision,
            Activation.of(vision.tanhGelu(), config.quickGelu()),
            Map.of(),
            BlockStarts.pyTorch(vision.width(), vision.mlpWidth()));
    Parameters parameters = parameters(vision, kind, config.embedDim());
    boolean token = vision.pooling() == ImagePooling.TOK;
    String pooled = token ? TOKEN : vision.lnAfterPool() ? NORM_OF_MEAN : MEAN;
    String source =
        SOURCE.replace("{pre}", vision.lnPre() ? LN_PRE : "x")
            + (vision.pooler() == null
                ? PROJECT.replace("{pooled}", pooled)
                : AttentionalPooler.source(vision, config.embedDim()));
    return new PatchTower.Declaration(
        vision,
        "visual.",
        BLOCKS,
        parameters,
        kind,
        new Positions("positional_embedding", 1),
        null,
        vision.pooler() != null
            ? PatchTower.Pooling.ATTENTION
            : token ? PatchTower.Pooling.FIRST : PatchTower.Pooling.MEAN,
        PatchTower.source(vision, parameters, "conv1.", source),
        Convolutions.NONE);
  }

  private static Parameters parameters(VitConfig vision, AttentionKind block, int embedDim) {
    int width = vision.width();
    int patch = vision.patchSize();
    int pooled = vision.pooler() == null ? width : embedDim;
    Init scale = Init.normal(Math.pow(width, -0.5));
    Init conv = Init.uniformOf(3.0 * patch * patch);
    Parameters own =
        new Parameters()
            .add("class_embedding", scale, width)
            .add("positional_embedding", scale, vision.patches() + 1L, width)
            .add("proj", scale, pooled, embedDim)
            .add("conv1.weight", conv, width, 3, patch, patch);
    if (vision.lnPre()) {
      own.norm("ln_pre", width);
    }
    own.blocks(BLOCKS, block.parameters(), vision.layers());
    if (vision.pooler() != null) {
      AttentionalPooler.declare(own, vision.pooler(), width, embedDim);
    }
    return own.norm("ln_post", pooled).lay("conv1.", Operation.PRODUCT);
  }
}
