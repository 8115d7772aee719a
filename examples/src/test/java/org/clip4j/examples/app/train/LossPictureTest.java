package org.clip4j.examples.app.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.XYChart;

class LossPictureTest {
  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 7, 60, 97, 1234, 20_000})
  void the_ticks_are_round(int steps) {
    List<Double> x = IntStream.rangeClosed(1, steps).asDoubleStream().boxed().toList();
    XYChart chart = LossPicture.chart(x, x.stream().map(step -> 3.987 + 1.31 / step).toList());
    Set<Double> across = new TreeSet<>();
    Set<Double> upwards = new TreeSet<>();
    chart.setCustomXAxisTickLabelsFormatter(noting(across));
    chart.setCustomYAxisTickLabelsFormatter(noting(upwards));
    BitmapEncoder.getBufferedImage(chart);
    for (Set<Double> noted : List.of(across, upwards)) {
      List<Double> ticks = List.copyOf(noted);
      assertThat(ticks).hasSizeBetween(2, 25);
      double step = ticks.get(1) - ticks.get(0);
      double digit = step / Math.pow(10, Math.floor(Math.log10(step) + 1e-9));
      assertThat(Math.round(digit * 1000) / 1000.0).as("%s", ticks).isIn(1.0, 2.0, 2.5, 5.0);
      double multiple = ticks.get(0) / step;
      assertThat(multiple - Math.rint(multiple)).as("%s", ticks).isBetween(-1e-6, 1e-6);
    }
  }

  private static Function<Double, String> noting(Set<Double> ticks) {
    return tick -> {
      ticks.add(tick);
      return String.valueOf(tick);
    };
  }

  @Test
  void a_picture_that_cannot_be_drawn_ends_nothing() throws IOException {
    Files.writeString(folder.resolve("metrics.jsonl"), "no JSON\n");
    LossPicture picture = new LossPicture(folder);
    picture.drawOrSay();
    Files.createDirectories(folder.resolve("loss.png/in the way"));
    Files.writeString(
        folder.resolve("metrics.jsonl"), "{\"type\":\"step\",\"step\":1,\"loss\":2}\n");
    picture.drawOrSay();
    assertThat(folder.resolve(".loss.png.tmp")).doesNotExist();
  }
}
