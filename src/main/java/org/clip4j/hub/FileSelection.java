package org.clip4j.hub;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The files of a repository that make up one model.
 *
 * <p>A repository often holds one model several times. Safetensors go before pickles, whoever wrote
 * them; of two equally good layouts OpenCLIP's goes before transformers', and one file goes before
 * shards.
 *
 * @param config the configuration; empty where the weights come alone
 * @param weights the weights file, or the index of its shards
 * @param extras tokenizer and preprocessor files that are there
 */
record FileSelection(String config, String weights, List<String> extras) {
  private static final String OPENCLIP = "open_clip_config.json";
  private static final String TRANSFORMERS = "config.json";
  private static final String INDEX = ".index.json";

  /** Where sentence-transformers keeps a CLIP, in transformers' layout. */
  private static final String NESTED = "0_CLIPModel/";

  private record Candidate(String config, String weights) {}

  private static final List<Candidate> CANDIDATES =
      List.of(
          new Candidate(OPENCLIP, "open_clip_model.safetensors"),
          new Candidate(TRANSFORMERS, "model.safetensors"),
          new Candidate(TRANSFORMERS, "model.safetensors" + INDEX),
          new Candidate(OPENCLIP, "open_clip_pytorch_model.bin"),
          new Candidate(TRANSFORMERS, "pytorch_model.bin"),
          new Candidate(TRANSFORMERS, "pytorch_model.bin" + INDEX),
          new Candidate(NESTED + TRANSFORMERS, NESTED + "model.safetensors"),
          new Candidate(NESTED + TRANSFORMERS, NESTED + "pytorch_model.bin"));

  /** Weights that may come without a configuration, for an architecture that the caller names. */
  private static final List<String> BARE =
      List.of("open_clip_model.safetensors", "open_clip_pytorch_model.bin");

  /** Archives that their publishers leave alone, and that say themselves what they are. */
  private static final Pattern ARCHIVE =
      Pattern.compile("(longclip-.+|mobileclip_(s1|s2|b|blt))\\.pt");

  private static final List<String> EXTRAS =
      List.of(
          "tokenizer.json",
          "tokenizer_config.json",
          "special_tokens_map.json",
          "added_tokens.json",
          "vocab.json",
          "merges.txt",
          "vocab.txt",
          "spiece.model",
          "sentencepiece.bpe.model",
          "tokenizer.model",
          "preprocessor_config.json",
          "processor_config.json",
          "README.md", // the model card, for its licence
          // of sentence-transformers' text models
          "modules.json",
          "sentence_bert_config.json",
          "1_Pooling/config.json",
          "2_Dense/config.json",
          "2_Dense/model.safetensors",
          "2_Dense/pytorch_model.bin");

  /** Every name that a choice can depend on. */
  static final Set<String> KNOWN_NAMES =
      Stream.concat(
              CANDIDATES.stream().flatMap(c -> Stream.of(c.config, c.weights)),
              EXTRAS.stream().flatMap(name -> Stream.of(name, NESTED + name)))
          .collect(Collectors.toUnmodifiableSet());

  /**
   * All models that some files make up, the best first.
   *
   * @param names the files of a repository, or of a snapshot of it
   * @param bare whether OpenCLIP's weights without a configuration are one, too
   */
  static List<FileSelection> all(Set<String> names, boolean bare) {
    List<String> extras = EXTRAS.stream().filter(names::contains).toList();
    List<String> nested = EXTRAS.stream().map(NESTED::concat).filter(names::contains).toList();
    List<String> openClip = // where its own names a text tower, the other file describes it
        Stream.concat(Stream.of(TRANSFORMERS).filter(names::contains), extras.stream()).toList();
    Stream<String> alone =
        Stream.concat(
            BARE.stream().filter(name -> bare),
            names.stream().filter(name -> ARCHIVE.matcher(name).matches()).sorted());
    return Stream.concat(
            CANDIDATES.stream().filter(c -> names.contains(c.config)),
            alone.map(weights -> new Candidate("", weights)))
        .filter(c -> names.contains(c.weights))
        .map(
            c ->
                new FileSelection(
                    c.config,
                    c.weights,
                    c.config.equals(OPENCLIP)
                        ? openClip
                        : c.config.startsWith(NESTED) ? nested : extras))
        .toList();
  }

  /** Whether the weights are in shards, which their index names. */
  boolean isSharded() {
    return weights.endsWith(INDEX);
  }

  /** How the names of the index's shards end. */
  String shardSuffix() {
    return weights.startsWith("model.safetensors") ? ".safetensors" : ".bin";
  }

  /** All files but shards, the weights last. */
  List<String> files() {
    List<String> files = new ArrayList<>();
    if (!config.isEmpty()) {
      files.add(config);
    }
    files.addAll(extras);
    files.add(weights);
    return files;
  }

  /**
   * What a snapshot that holds no model lacks to become one, for messages: counted from the
   * configuration or the weights that are there.
   */
  static String lack(Set<String> names) {
    for (Predicate<Candidate> partly :
        List.<Predicate<Candidate>>of(
            c -> names.contains(c.weights), c -> names.contains(c.config))) {
      for (Candidate candidate : CANDIDATES) {
        if (partly.test(candidate)) {
          return names.contains(candidate.config) ? candidate.weights : candidate.config;
        }
      }
    }
    return CANDIDATES.stream()
        .limit(2)
        .map(c -> c.config + " and " + c.weights)
        .collect(Collectors.joining(", or "));
  }
}
