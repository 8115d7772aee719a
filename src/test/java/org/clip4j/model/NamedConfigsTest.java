package org.clip4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.aggregator.ArgumentsAccessor;
import org.junit.jupiter.params.provider.CsvFileSource;

class NamedConfigsTest {

  /**
   * Counts are open_clip 3.3.0's, of every architecture of its that is made of towers this library
   * has: all parameters, those of the image tower, tensors in the checkpoint; of CoCa's also those
   * of the decoder of captions, which is left out.
   */
  @ParameterizedTest
  @CsvFileSource(resources = "/architectures.csv", numLinesToSkip = 1)
  void has_the_parameters_that_open_clip_counts(ArgumentsAccessor row) {
    ClipConfig config = ClipConfig.named(row.getString(0));
    boolean decodes = row.size() > 4;
    assertThat(decodes).isEqualTo(row.getString(0).startsWith("coca"));
    long decoder = decodes ? row.getLong(4) : 0;
    int decoderTensors = decodes ? row.getInteger(5) : 0;
    List<ParameterSpec> specs = ParameterSpec.of(config);
    assertThat(count(specs, "")).isEqualTo(row.getLong(1) - decoder);
    assertThat(count(specs, "visual.")).isEqualTo(row.getLong(2));
    assertThat(specs).hasSize(row.getInteger(3) - decoderTensors);
    assertThat(ClipConfigJson.read(ClipConfigJson.write(config))).isEqualTo(config);
  }

  private static long count(List<ParameterSpec> specs, String prefix) {
    return specs.stream()
        .filter(spec -> !spec.buffer() && spec.name().startsWith(prefix))
        .mapToLong(ParameterSpec::count)
        .sum();
  }

  @Test
  void every_name_gives_an_architecture_whose_counts_are_compared_but_for_the_small_ones()
      throws IOException {
    Set<String> compared = new TreeSet<>(Set.of("RN-Ti-32", "ViT-Ti-8-64"));
    try (InputStream table = NamedConfigsTest.class.getResourceAsStream("/architectures.csv")) {
      new String(table.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .skip(1)
          .forEach(line -> compared.add(line.substring(0, line.indexOf(','))));
    }
    assertThat(ClipConfig.names())
        .containsExactlyInAnyOrderElementsOf(compared)
        .hasSizeGreaterThan(90)
        .allSatisfy(name -> assertThat(ClipConfig.named(name)).isNotNull());
  }

  /** So that whoever adds a family cannot forget where towers are declared. */
  @Test
  void every_family_of_towers_has_an_architecture() {
    Set<Class<?>> families = new HashSet<>();
    for (String name : ClipConfig.names()) {
      ClipConfig config = ClipConfig.named(name);
      families.add(config.vision().getClass());
      families.add(config.text().getClass());
    }
    Set<Class<?>> known = new HashSet<>();
    addFamilies(VisionConfig.class, known);
    addFamilies(TextConfig.class, known);
    assertThat(families).isEqualTo(known).hasSizeGreaterThan(15);
  }

  private static void addFamilies(Class<?> type, Set<Class<?>> families) {
    if (type.isSealed()) {
      for (Class<?> permitted : type.getPermittedSubclasses()) {
        addFamilies(permitted, families);
      }
    } else {
      families.add(type);
    }
  }

  @Test
  void an_unknown_name_lists_the_known_ones() {
    assertThatThrownBy(() -> ClipConfig.named("ViT-B-23"))
        .hasMessageContaining("ViT-B-23")
        .hasMessageContaining("ViT-B-32");
  }

  /** Adapters of distributed engines send them to other processes. */
  @Test
  void every_configuration_can_be_serialised() throws IOException, ClassNotFoundException {
    for (String name : ClipConfig.names()) {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
        out.writeObject(ClipConfig.named(name));
      }
      try (ObjectInputStream in =
          new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
        assertThat(in.readObject()).isEqualTo(ClipConfig.named(name));
      }
    }
  }
}
