package org.clip4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.clip4j.engine.internal.LinearLayout.Operation;
import org.clip4j.model.ParameterSpec.Init;
import org.junit.jupiter.api.Test;

class ParametersTest {
  private static final Parameters PART =
      new Parameters(Map.of("attn.in_proj_", "attn.qkv."))
          .norm("ln_1", 4)
          .add("attn.in_proj_weight", Init.normal(0.02), 12, 4)
          .add("attn.in_proj_bias", Init.constant(0), 12)
          .lay("attn.in_proj_", Operation.PRODUCT)
          .layRows("attn.q_", "attn.in_proj_", 0, 4);

  @Test
  void names_in_braces_become_positions() {
    assertThat(PART.resolve("f({attn.in_proj_bias}, {ln_1.weight})", false))
        .isEqualTo("f(p[3], p[0])");
    assertThat(PART.resolve("norm(x, {ln_1.*})", false)).isEqualTo("norm(x, p[0], p[1])");
  }

  @Test
  void rows_of_a_map_are_arrays_of_their_own_only_once_they_are_laid_out() {
    assertThat(PART.resolve("{attn.q_*}", false))
        .isEqualTo("torch.slice(p[2], 0, 0, 4), torch.slice(p[3], 0, 0, 4)");
    assertThat(PART.resolve("{attn.q_*}", true)).isEqualTo("p[4], p[5]");
  }

  @Test
  void a_name_that_is_not_declared_is_refused() {
    for (String name : new String[] {"ln_2.weight", "ln_2.*", "ln_1", "attn.qkv.weight", "D"}) {
      assertThatThrownBy(() -> PART.resolve("f({" + name + "})", false))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("'" + name + "'")
          .hasMessageContaining("attn.in_proj_weight");
    }
  }

  @Test
  void checkpoints_have_their_publishers_names() {
    assertThat(PART.specs("blocks.0.").stream().map(ParameterSpec::name))
        .containsExactly(
            "blocks.0.ln_1.weight",
            "blocks.0.ln_1.bias",
            "blocks.0.attn.qkv.weight",
            "blocks.0.attn.qkv.bias");
  }
}
