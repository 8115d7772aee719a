package org.clip4j.model;

import java.util.Locale;
import java.util.Map;
import org.clip4j.model.ParameterSpec.Init;

/**
 * The encoder of M2M-100 and NLLB (transformers' {@code M2M100Model}): words with sinusoidal
 * positions, which are computed, and blocks that normalise what their branches read.
 */
final class M2mEncoder {
  private static final String BLOCKS = "transformer.layers.";
  private static final String WORDS = "transformer.embed_tokens.weight";
  private static final String NORM = "transformer.layer_norm";

  private static final Map<String, String> NAMES =
      Map.of(
          "attention.self.query", "self_attn.q_proj",
          "attention.self.key", "self_attn.k_proj",
          "attention.self.value", "self_attn.v_proj",
          "attention.output.dense", "self_attn.out_proj",
          "attention.output.LayerNorm", "self_attn_layer_norm",
          "intermediate.dense", "fc1",
          "output.dense", "fc2",
          "output.LayerNorm", "final_layer_norm");

  private static final String SOURCE =
      """
      def seen(self, ids: Tensor, p: List[Tensor]) -> Tensor:
        return torch.unsqueeze(torch.unsqueeze(self.tokens(ids), 1), 1)  # [N, 1, 1, L]

      def embed(self, ids: Tensor, p: List[Tensor]) -> Tensor:
        x = torch.mul(torch.embedding({words}, ids), {scale})
        i = torch.arange({half}, dtype=4, layout=None, device=ops.prim.device(ids), pin_memory=False)
        turn = torch.exp(torch.mul(torch.to(i, 6), {step}))  # [D/2]
        angle = torch.mul(torch.unsqueeze(torch.to(self.numbers(ids), 6), -1), turn)
        at = torch.cat([torch.sin(angle), torch.cos(angle)], -1)  # [N, L, D]
        return torch.add(x, torch.mul(at, torch.unsqueeze(torch.to(self.tokens(ids), 6), -1)))

      """;

  private M2mEncoder() {}

  /** Declares the tower. */
  static TextDeclaration declare(ClipConfig config, M2mConfig text) {
    int width = text.width();
    EncoderBlock block =
        new EncoderBlock(
            EncoderForm.PRE_NORM,
            width,
            width / text.heads(),
            text.mlpWidth(),
            text.heads(),
            text.activation().kernel,
            text.normEpsilon(),
            text.pooling().picksFirst(),
            NAMES);
    Init weight = Init.normal(0.02);
    Parameters parameters =
        new Parameters()
            .add(WORDS, weight, text.vocabSize(), width)
            .blocks(BLOCKS, block.parameters(), text.layers())
            .norm(NORM, width);
    int half = width / 2;
    String source =
        SOURCE
            .replace("{words}", "{" + WORDS + "}")
            .replace("{half}", Integer.toString(half))
            .replace("{step}", Double.toString(-Math.log(10000) / (half - 1)))
            .replace("{scale}", Double.toString(text.scaled() ? Math.sqrt(width) : 1));
    String last =
        String.format(
            Locale.ROOT, "torch.layer_norm(x, [%d], {%s.*}, %s)", width, NORM, text.normEpsilon());
    return EncoderTower.declare(config, text, parameters, BLOCKS, block, source, last);
  }
}
