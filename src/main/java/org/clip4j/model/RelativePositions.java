package org.clip4j.model;

import org.clip4j.model.ParameterSpec.Init;

/**
 * A bias of each query and key that an MLP makes of the logarithm of the distance between their
 * patches (Liu et al. 2021, "Swin Transformer V2", as timm's {@code RelPosMlp} in its mode {@code
 * cr}); a class token, which precedes the patches, has none.
 *
 * @param gridHeight rows of patches
 * @param gridWidth columns of patches
 * @param hidden width of the MLP
 */
record RelativePositions(int gridHeight, int gridWidth, int hidden) {

  /** Gives [1, H, L, L]. */
  private static final String SOURCE =
      """

      def relative(self, like: Tensor, p: List[Tensor]) -> Tensor:
        rows = self.distances(like, {gh})
        columns = self.distances(like, {gw})
        y = torch.stack([self.spread(rows, 1, {gw}), self.spread(columns, 0, {gh})], -1)
        y = torch.mul(torch.sign(y), torch.log(torch.add(torch.abs(y), 1.)))  # of all distances, [R C, 2]
        y = torch.relu(self.linear(y, {attn.rel_pos.mlp.fc1.*}))
        y = self.full(self.linear(y, {attn.rel_pos.mlp.fc2.*}))  # [R C, H]
        rows = self.between({gh}, like)
        columns = self.between({gw}, like)
        index = torch.add(torch.mul(torch.reshape(rows, [{gh}, 1, {gh}, 1]), 2 * {gw} - 1), torch.unsqueeze(columns, 1))
        bias = torch.reshape(torch.index_select(y, 0, torch.flatten(index)), [{L}, {L}, -1])
        bias = torch.constant_pad_nd(torch.permute(bias, [2, 0, 1]), [1, 0, 1, 0], 0)
        return torch.to(torch.unsqueeze(bias, 0), ops.prim.dtype(like))

      def distances(self, like: Tensor, size: int) -> Tensor:
        at = torch.sub(self.places(like, 2 * size - 1), size - 1)
        return torch.to(at, 6)

      def spread(self, at: Tensor, dimension: int, times: int) -> Tensor:
        other = 2 * times - 1
        sizes = [other, torch.size(at, 0)]
        y = torch.expand(torch.unsqueeze(at, 0), sizes)
        if dimension == 1:
          y = torch.t(y)
        return torch.flatten(y)

      def between(self, size: int, like: Tensor) -> Tensor:
        at = self.places(like, size)
        return torch.add(torch.sub(torch.unsqueeze(at, 1), at), size - 1)  # [size, size]

      def places(self, like: Tensor, size: int) -> Tensor:
        return torch.arange(size, dtype=4, layout=None, device=ops.prim.device(like), pin_memory=False)

      """;

  /** Adds the MLP's parameters, with PyTorch's own initial values. */
  void addTo(Parameters parameters, int heads) {
    Init in = Init.uniformOf(2);
    Init wide = Init.uniformOf(hidden);
    parameters
        .linear("attn.rel_pos.mlp.fc1", in, in, hidden, 2)
        .linear("attn.rel_pos.mlp.fc2", wide, wide, heads, hidden);
  }

  /** Defines {@code relative}, of the queries and of the block's parameters. */
  String source() {
    return SOURCE
        .replace("{gh}", Integer.toString(gridHeight))
        .replace("{gw}", Integer.toString(gridWidth))
        .replace("{L}", Integer.toString(gridHeight * gridWidth));
  }
}
