package org.clip4j.examples.bench;

import java.util.concurrent.TimeUnit;
import org.clip4j.text.ClipTokenizer;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;

/** Captions that one thread tokenizes in a second, with the words of the captions cached. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Threads(1)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class TokenizerBenchmark {
  private static final String[] PLAIN = {
    "a photo of a cat",
    "a photo of the small dog.",
    "an aerial view of 12 red-and-white boats",
    "sun behind small cloud",
    "A button (blood type)",
    "globe showing Europe-Africa",
    "flag: United Kingdom",
    "woman's hat",
    "waxing gibbous moon",
    "keycap: 7"
  };

  private static final String[] MIXED = {
    "a photo of a cat",
    "Japanese “free of charge” button",
    "sun behind small cloud",
    "piñata",
    "a photo of a grinning face 😀",
    "flag: Côte d’Ivoire",
    "woman's hat",
    "salt &amp; pepper",
    "waxing gibbous moon",
    "keycap: 7"
  };

  private final ClipTokenizer tokenizer = ClipTokenizer.create();

  /** Captions in plain ASCII, which need no repair. */
  @Benchmark
  @OperationsPerInvocation(10)
  public void plain(Blackhole sink) {
    for (String text : PLAIN) {
      sink.consume(tokenizer.encode(text));
    }
  }

  /** Half of the captions have curly quotes, accents, emoji or entities. */
  @Benchmark
  @OperationsPerInvocation(10)
  public void mixed(Blackhole sink) {
    for (String text : MIXED) {
      sink.consume(tokenizer.encode(text));
    }
  }
}
