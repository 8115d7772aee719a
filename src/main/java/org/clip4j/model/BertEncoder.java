package org.clip4j.model;

import java.util.Map;
import org.clip4j.model.ParameterSpec.Init;

/**
 * The text encoder as BERT has it (transformers' {@code BertModel}, {@code RobertaModel}, {@code
 * XLMRobertaModel} and {@code DistilBertModel}): words, types and positions are added and
 * normalised, and blocks follow.
 */
final class BertEncoder {
  private static final String BLOCKS = "transformer.encoder.layer.";
  private static final String DISTIL_BLOCKS = "transformer.transformer.layer.";

  /** DistilBERT's names of the parts of a block. */
  private static final Map<String, String> DISTIL_NAMES =
      Map.of(
          "attention.self.query", "attention.q_lin",
          "attention.self.key", "attention.k_lin",
          "attention.self.value", "attention.v_lin",
          "attention.output.dense", "attention.out_lin",
          "attention.output.LayerNorm", "sa_layer_norm",
          "intermediate.dense", "ffn.lin1",
          "output.dense", "ffn.lin2",
          "output.LayerNorm", "output_layer_norm");

  private static final String EMBEDDINGS = "transformer.embeddings.";

  private static final String SOURCE =
      """
      def seen(self, ids: Tensor, p: List[Tensor]) -> Tensor:
        return torch.unsqueeze(torch.unsqueeze(self.tokens(ids), 1), 1)  # [N, 1, 1, L]

      def embed(self, ids: Tensor, p: List[Tensor]) -> Tensor:
        x = {typed}
        x = torch.add(x, {positions})
        return torch.layer_norm(x, [{D}], {e.LayerNorm.*}, {eps})  # [N, L, D]

      """;

  private static final String WORDS = "torch.embedding({e.word_embeddings.weight}, ids)";
  private static final String TYPED =
      "torch.add(" + WORDS + ", torch.select({e.token_type_embeddings.weight}, 0, 0))";
  private static final String FROM_ZERO =
      "torch.slice({e.position_embeddings.weight}, 0, 0, torch.size(ids, 1))";
  private static final String AFTER_PAD =
      "torch.embedding({e.position_embeddings.weight}, self.numbers(ids))";

  private BertEncoder() {}

  /** Declares the tower. */
  static TextDeclaration declare(ClipConfig config, BertConfig text) {
    int width = text.width();
    boolean distilBert = text.isDistilBert();
    String blocks = distilBert ? DISTIL_BLOCKS : BLOCKS;
    EncoderBlock block =
        new EncoderBlock(
            EncoderForm.POST_NORM,
            width,
            width / text.heads(),
            text.mlpWidth(),
            text.heads(),
            text.activation().kernel,
            text.normEpsilon(),
            text.pooling().picksFirst(),
            distilBert ? DISTIL_NAMES : Map.of());
    Init weight = Init.normal(0.02);
    Parameters parameters =
        new Parameters()
            .add(EMBEDDINGS + "word_embeddings.weight", weight, text.vocabSize(), width)
            .add(EMBEDDINGS + "position_embeddings.weight", weight, text.positions(), width);
    if (!distilBert) {
      parameters.add(EMBEDDINGS + "token_type_embeddings.weight", weight, text.types(), width);
    }
    parameters
        .norm(EMBEDDINGS + "LayerNorm", width)
        .blocks(blocks, block.parameters(), text.layers());
    String source =
        SOURCE
            .replace("{typed}", distilBert ? WORDS : TYPED)
            .replace("{positions}", text.positionsAfterPad() ? AFTER_PAD : FROM_ZERO)
            .replace("{e.", "{" + EMBEDDINGS)
            .replace("{D}", Integer.toString(width))
            .replace("{eps}", Double.toString(text.normEpsilon()));
    return EncoderTower.declare(config, text, parameters, blocks, block, source, "x");
  }
}
