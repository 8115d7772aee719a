package org.clip4j.model;

import java.io.Serializable;
import org.clip4j.model.ParameterSpec.Init;

/**
 * Describes what OpenCLIP puts on the pooled features of one of timm's models (its {@code
 * timm_proj} and {@code timm_proj_bias}).
 *
 * @param projection the map into the shared space
 * @param bias whether its last linear map has a bias; a classifier always has
 */
public record TimmHead(Projection projection, boolean bias) implements Serializable {

  /** Names a map into the shared space. */
  public enum Projection {
    /** A linear map. */
    LINEAR,
    /** Two maps with GELU between them; the hidden width is twice that of the embedding. */
    MLP,
    /** The linear map that is the model's own classifier. */
    CLASSIFIER,
    /** No map: the features are the embedding. */
    NONE
  }

  private static final String SOURCE =
      """

      def head(self, x: Tensor, p: List[Tensor]) -> Tensor:
        {head}
      """;

  /**
   * Adds its parameters, under OpenCLIP's names for a model at {@code trunk.}.
   *
   * @param classifier initial weights of the model's own classifier, whose biases start as 0
   */
  Parameters addTo(Parameters parameters, Init classifier, int features, int embedDim) {
    Init wide = Init.uniformOf(features);
    Init hidden = Init.uniformOf(2 * embedDim);
    switch (projection) {
      case LINEAR -> last(parameters, "head.proj", wide, embedDim, features);
      case MLP -> {
        parameters.linear("head.mlp.fc1", wide, wide, 2L * embedDim, features);
        last(parameters, "head.mlp.fc2", hidden, embedDim, 2 * embedDim);
      }
      case CLASSIFIER ->
          parameters.linear("trunk.head.fc", classifier, Init.constant(0), embedDim, features);
      case NONE -> {} // the features as they are
    }
    return parameters;
  }

  private void last(Parameters parameters, String name, Init init, int out, int in) {
    parameters.add(name + ".weight", init, out, in);
    if (bias) {
      parameters.add(name + ".bias", init, out);
    }
  }

  /** Gives the function {@code head}, from features [N, D] to [N, E]. */
  String source(String gelu) {
    return SOURCE.replace(
        "{head}",
        switch (projection) {
          case LINEAR -> "return self.full(" + last("x", "head.proj") + ")";
          case MLP ->
              "y = self.linear(x, {head.mlp.fc1.*})\n  y = "
                  + gelu
                  + "\n  return self.full("
                  + last("y", "head.mlp.fc2")
                  + ")";
          case CLASSIFIER -> "return self.full(self.linear(x, {trunk.head.fc.*}))";
          case NONE -> "return x";
        });
  }

  private String last(String input, String name) {
    return bias
        ? "self.linear(" + input + ", {" + name + ".*})"
        : "self.matmul(" + input + ", torch.t({" + name + ".weight}))";
  }
}
