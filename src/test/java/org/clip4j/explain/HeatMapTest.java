package org.clip4j.explain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.awt.geom.Point2D;
import java.awt.geom.Rectangle2D;
import java.awt.image.BufferedImage;
import org.clip4j.image.RgbImage;
import org.junit.jupiter.api.Test;

class HeatMapTest {
  private static final Rectangle2D AREA = new Rectangle2D.Double(10, 0, 40, 20);

  private static HeatMap map(float... values) {
    return new HeatMap(1, 2, values, AREA);
  }

  @Test
  void the_share_within_a_box_takes_parts_of_cells() {
    assertThat(map(1, 1).shareWithin(new Rectangle2D.Double(10, 0, 10, 20)))
        .isCloseTo(0.25, within(1e-9));
    assertThat(map(1, 0).shareWithin(new Rectangle2D.Double(10, 0, 10, 20)))
        .isCloseTo(0.5, within(1e-9));
    assertThat(map(1, 3).shareWithin(new Rectangle2D.Double(25, -5, 10, 15)))
        .isCloseTo(0.125, within(1e-9)); // an eighth of either
    assertThat(map(1, 0).shareWithin(new Rectangle2D.Double(0, 0, 100, 100))).isEqualTo(1);
    assertThat(map(0, 0).shareWithin(AREA)).isNaN();
  }

  @Test
  void what_stands_out_exceeds_the_mean() {
    assertThat(map(1, 4).aboveMean().values()).containsExactly(0, 1.5f);
    assertThat(map(2, 2).aboveMean().values()).containsExactly(0, 0);
  }

  @Test
  void the_hottest_point_is_the_middle_of_a_cell() {
    assertThat(map(1, 3).hottest()).isEqualTo(new Point2D.Double(40, 10));
  }

  @Test
  void small_images_are_enlarged_and_large_ones_are_not() {
    BufferedImage small = map(0, 1).overlay(new RgbImage(60, 20, new byte[60 * 20 * 3]));
    assertThat(small.getWidth()).isEqualTo(180);
    assertThat(small.getHeight()).isEqualTo(60);
    assertThat(small.getRGB(0, 0) & 0xFFFFFF).isZero(); // outside
    int hottest = small.getRGB(3 * 45, 30) & 0xFFFFFF; // yellow, 65 % of 0xFCFFA4
    assertThat(hottest).isEqualTo(0xA4A66B);
    BufferedImage large = map(0, 1).overlay(new RgbImage(300, 20, new byte[300 * 20 * 3]));
    assertThat(large.getWidth()).isEqualTo(300);
  }
}
