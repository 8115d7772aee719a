package org.clip4j.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.clip4j.data.internal.shards.ShardScanner;
import org.junit.jupiter.api.io.TempDir;

/** Makes one tar, and lists what is read out of it. */
abstract class ShardReading {
  @TempDir Path folder;

  final PairShards shard(byte[]... parts) throws IOException {
    ByteArrayOutputStream tar = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      tar.writeBytes(part);
    }
    return Pairs.shards(List.of(Files.write(folder.resolve("s.tar"), tar.toByteArray())))
        .optMaxImageBytes(2000)
        .build();
  }

  static final byte[] END = new byte[1024];

  static byte[] file(String name, String content) {
    return TestShards.entry(name, '0', TestShards.text(content));
  }

  static byte[] image(String name, int number) {
    return TestShards.entry(name, '0', TestShards.png(number));
  }

  /** Of each sample "key: number captions", or what is wrong with it. */
  static List<String> samples(PairShards shards) throws IOException {
    List<String> samples = new ArrayList<>();
    try (ShardScanner scanner = shards.scan(0)) {
      for (ShardScanner.Sample s = scanner.next(); s != null; s = scanner.next()) {
        ShardSample reading = shards.reading(0, s);
        try {
          ImageTextPair pair = reading.pair();
          byte[] pixel = pair.image().read().pixels();
          int number = (pixel[0] & 0xFF) | (pixel[1] & 0xFF) << 8;
          samples.add(s.key() + ": " + number + " " + String.join("|", pair.captions()));
        } catch (IOException e) {
          assertThat(e).hasMessageStartingWith(reading.name());
          samples.add(e.getMessage().substring(e.getMessage().lastIndexOf("s.tar")));
        }
      }
      assertThat(scanner.next()).isNull();
    }
    return samples;
  }

  final List<String> samples(byte[]... parts) throws IOException {
    return samples(shard(parts));
  }
}
