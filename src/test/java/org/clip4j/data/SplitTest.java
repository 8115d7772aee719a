package org.clip4j.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class SplitTest {
  private static List<String> captions(PairSource pairs) {
    List<String> captions = new ArrayList<>();
    for (int i = 0; i < pairs.size(); i++) {
      captions.add(pairs.get(i).captions().get(0));
    }
    return captions;
  }

  @Test
  void both_sides_together_are_the_pairs_in_their_order() {
    PairSource pairs = TestPairs.numbered(50);

    Split split = pairs.split(0.2, 7);

    assertThat(split.heldOut().size()).isEqualTo(10);
    assertThat(split.train().size()).isEqualTo(40);
    assertThat(split.heldOutIndices()).isSorted().doesNotHaveDuplicates();
    for (int i = 0; i < 10; i++) {
      assertThat(split.heldOut().get(i)).isEqualTo(pairs.get(split.heldOutIndices().get(i)));
    }
    List<String> all = captions(split.train());
    assertThat(all).doesNotContainAnyElementsOf(captions(split.heldOut()));
    all.addAll(captions(split.heldOut()));
    assertThat(all).containsExactlyInAnyOrderElementsOf(captions(pairs));
  }

  @Test
  void a_seed_fixes_the_split() {
    PairSource pairs = TestPairs.numbered(12);

    assertThat(pairs.split(0.25, 1).heldOutIndices())
        .isEqualTo(pairs.split(0.25, 1).heldOutIndices())
        .containsExactlyElementsOf(PINNED);
    assertThat(pairs.split(0.25, 2).heldOutIndices())
        .isNotEqualTo(pairs.split(0.25, 1).heldOutIndices());
  }

  /** Held in a checkpoint's lifetime: a change here breaks splits that people have. */
  private static final List<Integer> PINNED = List.of(4, 7, 8);

  @Test
  void every_pair_is_held_out_equally_often() {
    PairSource pairs = TestPairs.numbered(10);
    int[] times = new int[10];
    for (int seed = 0; seed < 3000; seed++) {
      for (int index : pairs.split(0.3, seed).heldOutIndices()) {
        times[index]++;
      }
    }
    for (int count : times) {
      assertThat(count).isBetween(800, 1000); // 900 expected, standard deviation 25
    }
  }

  @Test
  void neither_side_may_be_empty() {
    PairSource pairs = TestPairs.numbered(3);

    assertThatThrownBy(() -> pairs.split(0.01, 0)).hasMessageContaining("0.01 of 3 pairs");
    assertThatThrownBy(() -> pairs.split(0.99, 0)).hasMessageContaining("0.99 of 3 pairs");
    for (double fraction : new double[] {0, 1, -0.5, Double.NaN}) {
      assertThatThrownBy(() -> pairs.split(fraction, 0))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("between 0 and 1");
    }
  }
}
