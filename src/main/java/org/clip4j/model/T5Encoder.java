package org.clip4j.model;

import java.util.Map;
import org.clip4j.model.ParameterSpec.Init;

/**
 * The encoder of T5 as mT5 has it (transformers' {@code MT5Model}): words, and blocks that know how
 * far two tokens are from each other by a table of the first block's.
 */
final class T5Encoder {
  private static final String BLOCKS = "transformer.block.";
  private static final String WORDS = "transformer.embed_tokens.weight";
  private static final String NORM = "transformer.final_layer_norm.weight";
  private static final String TABLE =
      BLOCKS + "0.layer.0.SelfAttention.relative_attention_bias.weight";

  private static final Map<String, String> NAMES =
      Map.of(
          "attention.self.query", "layer.0.SelfAttention.q",
          "attention.self.key", "layer.0.SelfAttention.k",
          "attention.self.value", "layer.0.SelfAttention.v",
          "attention.output.dense", "layer.0.SelfAttention.o",
          "attention.output.LayerNorm", "layer.0.layer_norm",
          "intermediate.dense", "layer.1.DenseReluDense.wi_0",
          "intermediate.gate", "layer.1.DenseReluDense.wi_1",
          "output.dense", "layer.1.DenseReluDense.wo",
          "output.LayerNorm", "layer.1.layer_norm");

  /**
   * Near distances have a bucket each; the farther ones share those that are left, by their
   * logarithm. Padding gets no weight.
   */
  private static final String SOURCE =
      """
      def seen(self, ids: Tensor, p: List[Tensor]) -> Tensor:
        at = torch.arange(torch.size(ids, 1), dtype=4, layout=None, device=ops.prim.device(ids), pin_memory=False)
        ahead = torch.sub(torch.unsqueeze(at, 0), torch.unsqueeze(at, 1))  # [queries, keys]
        near = torch.abs(ahead)
        far = torch.div(torch.log(torch.div(torch.to(near, 6), {exact})), {span})
        far = torch.add(torch.to(torch.mul(far, {exact}), 4), {exact})
        bucket = torch.where(torch.lt(near, {exact}), near, torch.clamp_max(far, {last}))
        bucket = torch.add(bucket, torch.mul(torch.to(torch.gt(ahead, 0), 4), {half}))
        bias = torch.unsqueeze(torch.permute(torch.embedding({table}, bucket), [2, 0, 1]), 0)
        tokens = torch.unsqueeze(torch.unsqueeze(self.tokens(ids), 1), 1)
        return torch.where(tokens, bias, -3e38)  # [N, H, L, L]

      def embed(self, ids: Tensor, p: List[Tensor]) -> Tensor:
        return torch.embedding({words}, ids)  # [N, L, D]

      """;

  private T5Encoder() {}

  /** Declares the tower. */
  static TextDeclaration declare(ClipConfig config, T5Config text) {
    int width = text.width();
    EncoderBlock block =
        new EncoderBlock(
            EncoderForm.GATED,
            width,
            text.headWidth(),
            text.mlpWidth(),
            text.heads(),
            text.activation().kernel,
            text.normEpsilon(),
            text.pooling().picksFirst(),
            NAMES);
    Init weight = Init.normal(0.02);
    Parameters parameters =
        new Parameters()
            .add(WORDS, Init.normal(1), text.vocabSize(), width)
            .add(TABLE, weight, text.buckets(), text.heads())
            .blocks(BLOCKS, block.parameters(), text.layers())
            .add(NORM, Init.constant(1), width);
    int half = text.buckets() / 2;
    int exact = half / 2;
    String source =
        SOURCE
            .replace("{table}", "{" + TABLE + "}")
            .replace("{words}", "{" + WORDS + "}")
            .replace("{exact}", Integer.toString(exact))
            .replace("{half}", Integer.toString(half))
            .replace("{last}", Integer.toString(half - 1))
            .replace("{span}", Double.toString(Math.log((double) text.farthest() / exact)));
    return EncoderTower.declare(
        config, text, parameters, BLOCKS, block, source, "self.rms(x, {" + NORM + "})");
  }
}
