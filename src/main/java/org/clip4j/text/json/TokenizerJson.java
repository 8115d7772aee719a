package org.clip4j.text.json;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import org.clip4j.io.IoErrors;
import org.clip4j.text.ClipTokenizer;
import org.clip4j.text.TextCleaning;
import org.clip4j.text.Tokenizer;
import org.clip4j.text.internal.Characters;
import org.clip4j.text.internal.repair.TextRepair;

/**
 * Turns texts into tokens by a {@code tokenizer.json}: SigLIP's, Gemma's, XLM-R's, BERT's and their
 * like. Tokens are those of the Python libraries for the same file, token by token.
 *
 * <p>The file is what counts, as in transformers up to version 4 and for its generic classes.
 * Version 5 makes the pipelines of {@code T5Tokenizer}, {@code XLMRobertaTokenizer}, {@code
 * BertTokenizer} and {@code GemmaTokenizer} anew from their vocabularies; for published files that
 * comes to the same.
 *
 * <p>A special token that somebody types is one, as in the Python libraries: {@code </s>} in a text
 * becomes the end token, unless the model's {@linkplain TextCleaning#CANONICALIZE cleaning} removes
 * its punctuation first. ({@link ClipTokenizer} has it otherwise.) Who wants no stranger to do that
 * removes them from the texts.
 *
 * <p>Files may come from strangers: what is not known in them is refused, and so is what would take
 * the native library long, fill the memory or end the process. Of a text only the first 16,384
 * characters are tokenized, or 64 for each token of the context length; so much cannot be left
 * after truncation but of texts that are mostly white space or one word.
 *
 * <p>It holds native memory and must be closed, once no thread uses it. Until then any number of
 * threads may share it.
 */
public final class TokenizerJson implements Tokenizer {
  private static final int MAX_CHARACTERS = 16_384;
  private static final int CHARACTERS_PER_TOKEN = 64;

  /** What may lie beside a tokenizer.json and belong to it. */
  private static final List<String> FILES =
      List.of(
          "tokenizer.json",
          "tokenizer_config.json",
          "special_tokens_map.json",
          "added_tokens.json",
          "spiece.model",
          "sentencepiece.bpe.model",
          "tokenizer.model",
          "sentencepiece.model",
          "vocab.txt",
          "vocab.json",
          "merges.txt");

  private final Path file;
  private final TokenizerRules rules;
  private final NativeTokenizer tokenizer;
  private final int[] before;
  private final int[] after;
  private final int padId;
  private final int separatorId;
  private final boolean cutLeft;
  private final int vocabularySize;

  private TokenizerJson(Path file, TokenizerRules rules, TokenizerFile content) throws IOException {
    this.file = file;
    this.rules = rules;
    TokenizerConfig config = TokenizerConfig.read(folder(file));
    content.apply(config);
    boolean clips = rules.layout() == TokenizerRules.Layout.CLIPS;
    PostProcessor around = around(content, config);
    before = clips ? tokens(content, config, "bos_token") : ints(around.before());
    after = clips ? tokens(content, config, "eos_token", "cls_token") : ints(around.after());
    padId = padId(content, config);
    separatorId = rules.separatorStripped() ? tokens(content, config, "sep_token")[0] : -1;
    cutLeft = isLeft(config.side("truncation_side"), content.truncation("direction"));
    if (isLeft(config.side("padding_side"), content.padding("direction"))) {
      throw content.bad("padding_side is left; text encoders that read from the right end only");
    }
    check(content);
    vocabularySize = content.size();
    tokenizer = content.open(rules.cleaning());
  }

  /**
   * Opens the tokenizer of a folder or a file.
   *
   * @param path a {@code tokenizer.json} or the folder that has it; {@code tokenizer_config.json}
   *     and {@code special_tokens_map.json} beside it are read where they are there
   * @throws TokenizerFormatException if a file is damaged, or of a kind that is not supported
   * @throws IOException if a file cannot be read
   */
  public static TokenizerJson open(Path path, TokenizerRules rules) throws IOException {
    return IoErrors.worded(path, () -> openFile(path, rules));
  }

  private static TokenizerJson openFile(Path path, TokenizerRules rules) throws IOException {
    Path file = file(path);
    return new TokenizerJson(file, rules, TokenizerFile.read(file, rules.vocabSize()));
  }

  /**
   * Opens the tokenizer of a folder or a file, which is OpenAI's {@link ClipTokenizer} where the
   * vocabulary and the merges are CLIP's: what the Python libraries' fast tokenizer makes of them
   * differs from what the models were trained with.
   *
   * @param path as for {@link #open}
   */
  public static Tokenizer openAny(Path path, TokenizerRules rules) throws IOException {
    return IoErrors.worded(path, () -> openAnyFile(path, rules));
  }

  private static Tokenizer openAnyFile(Path path, TokenizerRules rules) throws IOException {
    Path file = file(path);
    return any(file, rules, TokenizerFile.read(file, rules.vocabSize()));
  }

  /**
   * Opens the tokenizer of a transformers folder that has no {@code tokenizer.json}: of {@code
   * vocab.json} and {@code merges.txt}, as its {@code CLIPTokenizer} does, which is OpenAI's where
   * those are, as for {@link #openAny}; of BERT's {@code vocab.txt}; or of a model of
   * SentencePiece, {@code sentencepiece.bpe.model} of XLM-RoBERTa or NLLB, or {@code spiece.model}
   * of T5 or mT5.
   *
   * @param required whether a tokenizer of another kind is an error
   * @return empty if no tokenizer lies there, or one of another kind that is not required
   * @throws TokenizerFormatException if a file is damaged, or the tokenizer of another kind; the
   *     message names its files
   * @throws IOException if a file cannot be read
   */
  public static Optional<Tokenizer> openWithoutFile(
      Path folder, TokenizerRules rules, boolean required) throws IOException {
    String type = TokenizerConfig.read(folder).tokenizerClass();
    boolean clips = type.isEmpty() || type.equals("CLIPTokenizer");
    List<String> found =
        FILES.stream()
            .filter(name -> !TokenizerConfig.FILES.contains(name))
            .filter(name -> Files.isRegularFile(folder.resolve(name)))
            .toList();
    if (clips && found.containsAll(VocabularyPair.FILES)) {
      Path file = folder.resolve(VocabularyPair.VOCABULARY);
      return Optional.of(any(file, rules, TokenizerFile.readPair(folder, rules.vocabSize())));
    }
    boolean pieces = WordPieces.CLASSES.contains(type) && !(required && type.isEmpty());
    if (pieces && found.contains(WordPieces.FILE)) {
      Path file = folder.resolve(WordPieces.FILE);
      TokenizerFile content = TokenizerFile.readPieces(folder, rules.vocabSize());
      return Optional.of(new TokenizerJson(file, rules, content));
    }
    SentencePieces.Kind kind = required && type.isEmpty() ? null : SentencePieces.kind(type, found);
    if (kind != null) {
      TokenizerFile content = TokenizerFile.readSentencePieces(folder, kind, rules.vocabSize());
      return Optional.of(new TokenizerJson(folder.resolve(kind.file), rules, content));
    }
    if (!required || clips && found.isEmpty()) {
      return Optional.empty();
    }
    throw new TokenizerFormatException(
        folder
            + " has a tokenizer other than CLIP's"
            + (type.isEmpty() ? "" : ", a " + IoErrors.quote(type))
            + (found.isEmpty() ? "" : ", in " + String.join(", ", found))
            + "; read is a tokenizer.json, which in Python"
            + " AutoTokenizer.from_pretrained(folder).save_pretrained(folder) writes");
  }

  private static Tokenizer any(Path file, TokenizerRules rules, TokenizerFile content)
      throws IOException {
    if (!content.model().isClip()) {
      return new TokenizerJson(file, rules, content);
    }
    content.apply(TokenizerConfig.read(folder(file)));
    return ExtendedClipTokenizer.create(rules, List.copyOf(content.added()), files(file));
  }

  /** The special tokens around a text; NLLB's have its language, whatever the file says. */
  private PostProcessor around(TokenizerFile content, TokenizerConfig config)
      throws TokenizerFormatException {
    if (!config.tokenizerClass().equals("NllbTokenizer")) {
      if (rules.language() != null) {
        throw content.bad(
            "it has no tokens for languages, so it cannot give texts that of "
                + IoErrors.quote(rules.language())
                + "; leave the language out");
      }
      return content.postProcessor();
    }
    String language = rules.language();
    if (language == null) {
      language = config.text("src_lang");
    }
    int own = content.required("the language", language == null ? "eng_Latn" : language);
    String end = config.token("eos_token");
    int last = content.required("eos_token", end == null ? "</s>" : end);
    return config.flag("legacy_behaviour", false)
        ? new PostProcessor(List.of(), List.of(last, own))
        : new PostProcessor(List.of(own), List.of(last));
  }

  private static Path file(Path path) {
    return Files.isDirectory(path) ? path.resolve("tokenizer.json") : path;
  }

  private static Path folder(Path file) {
    return file.toAbsolutePath().getParent();
  }

  private static boolean isLeft(String side, String direction) {
    return "left"
        .equals(side != null || direction == null ? side : direction.toLowerCase(Locale.ROOT));
  }

  private static int[] ints(List<Integer> list) {
    return list.stream().mapToInt(Integer::intValue).toArray();
  }

  private static int[] tokens(TokenizerFile content, TokenizerConfig config, String... names)
      throws TokenizerFormatException {
    int[] ids = new int[names.length];
    for (int i = 0; i < names.length; i++) {
      String token = config.token(names[i]);
      if (token == null && names[i].equals("sep_token")) {
        token = "[SEP]"; // the default of transformers' class for BERT
      }
      if (token == null) {
        throw content.bad(
            "the rules ask for a " + names[i] + ", which tokenizer_config.json lacks");
      }
      ids[i] = content.required(names[i], token);
    }
    return ids;
  }

  private static int padId(TokenizerFile content, TokenizerConfig config)
      throws TokenizerFormatException {
    String token = config.token("pad_token");
    token = token != null ? token : content.padding("pad_token");
    if (token != null) {
      return content.required("pad_token", token);
    }
    for (String usual : List.of("<pad>", "[PAD]")) { // defaults of transformers' classes
      if (content.id(usual) != null) {
        return content.id(usual);
      }
    }
    throw content.bad("no pad_token; name it in tokenizer_config.json");
  }

  private void check(TokenizerFile content) throws TokenizerFormatException {
    if (before.length + after.length >= rules.contextLength()) {
      throw content.bad(
          "context length "
              + rules.contextLength()
              + " has no room beside "
              + (before.length + after.length)
              + " special tokens");
    }
    int known = rules.vocabSize();
    if (known > 0) {
      for (int[] ids : new int[][] {before, after, {padId}}) {
        for (int id : ids) {
          if (id >= known) {
            throw content.bad(
                "special token " + id + " is not among the model's " + known + " token ids");
          }
        }
      }
    }
  }

  @Override
  public int contextLength() {
    return rules.contextLength();
  }

  @Override
  public int padId() {
    return padId;
  }

  /** Returns the number of token ids that it has, those of added tokens included. */
  public int vocabularySize() {
    return vocabularySize;
  }

  /** Returns the rules that it was opened with. */
  public TokenizerRules rules() {
    return rules;
  }

  /**
   * Returns the files that it came from, for whoever saves the model: the {@code tokenizer.json}
   * and those beside it that belong to it and are there.
   */
  @Override
  public List<Path> files() {
    return files(file);
  }

  private static List<Path> files(Path file) {
    return Stream.concat(Stream.of(file), FILES.stream().map(name -> folder(file).resolve(name)))
        .filter(Files::isRegularFile)
        .map(path -> path.toAbsolutePath().normalize())
        .distinct()
        .toList();
  }

  /**
   * {@inheritDoc}
   *
   * @return between 1 and {@link #contextLength()} ids
   * @throws NullPointerException if the text is null
   * @throws IllegalArgumentException if a token is beyond the model's vocabulary
   * @throws IllegalStateException if the tokenizer is closed
   */
  @Override
  public int[] encode(String text) {
    if (text == null) {
      throw new NullPointerException("text is null; an empty text is \"\"");
    }
    long[] ids = tokenizer.encode(cleaned(text));
    int room = rules.contextLength() - before.length - after.length;
    int kept = Math.min(ids.length, room);
    int from = cutLeft ? ids.length - kept : 0;
    int[] row = new int[rowLength(before.length + kept + after.length)];
    Arrays.fill(row, padId);
    System.arraycopy(before, 0, row, 0, before.length);
    for (int i = 0; i < kept; i++) {
      row[before.length + i] = known(Math.toIntExact(ids[from + i]));
    }
    placeAfter(row, before.length + kept);
    if (separatorId >= 0 && rules.layout() == TokenizerRules.Layout.FILE) {
      for (int i = 0; i < row.length; i++) {
        row[i] = row[i] == separatorId ? 0 : row[i];
      }
    }
    return row;
  }

  private int rowLength(int tokens) {
    return rules.layout() == TokenizerRules.Layout.CLIPS
        ? rules.contextLength()
        : Math.max(tokens, 1); // a text without any is padding
  }

  private void placeAfter(int[] row, int at) {
    int last = after.length - 1;
    for (int i = 0; i <= last; i++) {
      boolean end = i == last && rules.layout() == TokenizerRules.Layout.CLIPS;
      row[end ? row.length - 1 : at + i] = after[i];
    }
  }

  private int known(int id) {
    if (rules.vocabSize() > 0 && id >= rules.vocabSize()) {
      throw new IllegalArgumentException(
          "the text has the token " + id + ", but the model knows " + rules.vocabSize());
    }
    return id;
  }

  /** As much of the cleaned text as is tokenized, of as little of the text as will do. */
  private String cleaned(String text) {
    int max = Math.max(MAX_CHARACTERS, CHARACTERS_PER_TOKEN * rules.contextLength());
    String clean = null;
    for (long enough = max; clean == null; enough *= 8) {
      int end = enough < text.length() ? TextRepair.cut(text, (int) enough) : text.length();
      String begun = rules.cleaning().clean(text.substring(0, end));
      clean = begun.length() > max || end == text.length() ? begun : null;
    }
    if (clean.length() > max) {
      boolean pair = Character.isHighSurrogate(clean.charAt(max - 1));
      clean = clean.substring(0, pair ? max - 1 : max);
    }
    return scalars(clean);
  }

  /** Halves of surrogate pairs, which are no text to the native library, become U+FFFD. */
  private static String scalars(String text) {
    if (Characters.isWellFormed(text)) {
      return text;
    }
    return text.codePoints()
        .map(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE ? 0xFFFD : c)
        .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
        .toString();
  }

  /** Releases the native memory; a second call does nothing. */
  @Override
  public void close() {
    tokenizer.close();
  }
}
