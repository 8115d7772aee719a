package org.clip4j.text.json;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.clip4j.io.JsonFile;
import org.jspecify.annotations.Nullable;

/**
 * A model of SentencePiece (Kudo and Richardson 2018) as a {@code tokenizer.json}: with the
 * pipeline that transformers' {@code XLMRobertaTokenizer}, {@code T5Tokenizer} and {@code
 * NllbTokenizer} build around it.
 *
 * <p>The file is a message of protocol buffers, {@code ModelProto} of {@code
 * sentencepiece_model.proto}, of which is read what the pipelines take.
 */
final class SentencePieces {
  /** The most of a published one is mT5's, 4.3 MB. */
  private static final int MAX_BYTES = 32 << 20;

  private static final int MAX_PIECES = 1 << 20;

  /**
   * Published ones have up to 16 characters; a longer one would have too many ways to divide it.
   */
  private static final int MAX_LENGTH = 256;

  /** Numbers of {@code ModelProto.SentencePiece.Type}. */
  private static final int UNKNOWN = 2;

  private static final int CONTROL = 3;

  private static final int USER_DEFINED = 4;

  /** Numbers of {@code TrainerSpec.ModelType}. */
  private static final int UNIGRAM = 1;

  private static final int BPE = 2;

  /** The pieces of fairseq's that go before those of the model but for its first three. */
  private static final List<String> FAIRSEQ = List.of("<s>", "<pad>", "</s>", "<unk>");

  private static final int REPLACED = 3;

  /** Of whom the file is, by its usual name and by the class in transformers. */
  enum Kind {
    XLM_ROBERTA("sentencepiece.bpe.model", "XLMRobertaTokenizer"),
    T5("spiece.model", "T5Tokenizer", "MT5Tokenizer"),
    NLLB("sentencepiece.bpe.model", "NllbTokenizer");

    final String file;
    private final List<String> classes;

    Kind(String file, String... classes) {
      this.file = file;
      this.classes = List.of(classes);
    }
  }

  private record Piece(String text, float score, int type) {}

  private final Path file;
  private final List<Piece> pieces = new ArrayList<>();
  private int modelType = UNIGRAM;
  private int unknown;
  private boolean byteFallback;
  private byte[] charsmap = {};

  private SentencePieces(Path file) {
    this.file = file;
  }

  /**
   * Chooses the kind of the files in a folder.
   *
   * @param type the class in transformers; empty where it is not said
   * @param found names of the files
   * @return null if there is none that is read
   */
  static @Nullable Kind kind(String type, List<String> found) {
    for (Kind kind : Kind.values()) {
      if (found.contains(kind.file) && (type.isEmpty() || kind.classes.contains(type))) {
        return kind;
      }
    }
    return null;
  }

  static JsonObject read(Path folder, Kind kind) throws IOException {
    Path file = folder.resolve(kind.file);
    SentencePieces model = new SentencePieces(file);
    byte[] bytes = JsonFile.bytes(file, MAX_BYTES, TokenizerFormatException::new);
    model.readModel(new ProtoMessage(file, bytes));
    return model.toJson(kind, TokenizerConfig.read(folder));
  }

  private void readModel(ProtoMessage model) throws TokenizerFormatException {
    while (model.next()) {
      switch (model.field()) {
        case 1 -> pieces.add(checked(piece(model.message())));
        case 2 -> readTrainer(model.message());
        case 3 -> readNormalizer(model.message());
        default -> {} // tests of the model by itself, and how to go back to text
      }
      if (pieces.size() > MAX_PIECES) {
        throw new TokenizerFormatException(file + " has more than " + MAX_PIECES + " pieces");
      }
    }
    if (pieces.size() <= REPLACED) {
      throw new TokenizerFormatException(file + " is no model of SentencePiece: it has no pieces");
    }
  }

  private Piece checked(Piece piece) throws TokenizerFormatException {
    if (piece.text.length() > MAX_LENGTH) {
      throw new TokenizerFormatException(
          file + " has a piece of more than " + MAX_LENGTH + " characters");
    }
    return piece;
  }

  private static Piece piece(ProtoMessage message) throws TokenizerFormatException {
    String text = "";
    float score = 0;
    int type = 1;
    while (message.next()) {
      switch (message.field()) {
        case 1 -> text = message.text();
        case 2 -> score = message.number();
        case 3 -> type = message.whole();
        default -> {}
      }
    }
    return new Piece(text, score, type);
  }

  private void readTrainer(ProtoMessage trainer) throws TokenizerFormatException {
    while (trainer.next()) {
      switch (trainer.field()) {
        case 3 -> modelType = trainer.whole();
        case 35 -> byteFallback = trainer.whole() != 0;
        case 40 -> unknown = trainer.whole();
        default -> {}
      }
    }
  }

  private void readNormalizer(ProtoMessage normalizer) throws TokenizerFormatException {
    while (normalizer.next()) {
      if (normalizer.field() == 2) {
        charsmap = normalizer.bytes();
      }
    }
  }

  private JsonObject toJson(Kind kind, TokenizerConfig config) throws TokenizerFormatException {
    boolean bpe = modelType == BPE;
    if (bpe != (kind == Kind.NLLB) || !bpe && modelType != UNIGRAM || byteFallback) {
      throw new TokenizerFormatException(
          file
              + " is not of the kind that "
              + kind.classes.get(0)
              + " has (its model_type is "
              + modelType
              + (byteFallback ? ", with byte_fallback" : "")
              + "); read is a tokenizer.json, which in Python"
              + " AutoTokenizer.from_pretrained(folder).save_pretrained(folder) writes");
    }
    List<Piece> all = new ArrayList<>();
    if (kind != Kind.T5) {
      FAIRSEQ.forEach(token -> all.add(new Piece(token, 0, CONTROL)));
    }
    all.addAll(kind == Kind.T5 ? pieces : pieces.subList(REPLACED, pieces.size()));
    if (kind == Kind.XLM_ROBERTA) {
      all.add(new Piece("<mask>", 0, CONTROL));
    }
    JsonObject json = new JsonObject();
    json.addProperty("version", "1.0");
    json.add("model", bpe ? bpe(all) : unigram(all, kind == Kind.T5 ? unknown : REPLACED));
    JsonArray added = new JsonArray();
    for (int id = 0; id < all.size(); id++) {
      Piece piece = all.get(id);
      boolean special = piece.type == CONTROL || piece.type == UNKNOWN;
      if (special || piece.type == USER_DEFINED) {
        boolean strips = piece.text.equals("<mask>");
        added.add(new AddedToken(id, piece.text, false, strips, false, false, special).toJson());
      }
    }
    if (bpe) {
      addLanguages(added, all.size());
    }
    json.add("added_tokens", added);
    json.add("normalizer", normalizer(bpe));
    json.add("pre_tokenizer", preTokenizer(bpe));
    json.add("post_processor", postProcessor(kind, all, config));
    return json;
  }

  /** NLLB's languages come after its pieces, and the mask after them. */
  private static void addLanguages(JsonArray added, int first) throws TokenizerFormatException {
    int id = first;
    for (String language : NllbLanguages.ALL) {
      added.add(new AddedToken(id++, language, false, false, false, false, true).toJson());
    }
    added.add(new AddedToken(id, "<mask>", false, true, false, false, true).toJson());
  }

  private JsonObject normalizer(boolean bpe) {
    StringBuilder parts = new StringBuilder();
    if (charsmap.length > 0) {
      parts
          .append("{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"")
          .append(Base64.getEncoder().encodeToString(charsmap))
          .append("\"}");
      if (bpe) {
        parts.append(",{\"type\":\"Replace\",\"pattern\":{\"Regex\":\" {2,}\"},\"content\":\" \"}");
      }
    }
    return object("{\"type\":\"Sequence\",\"normalizers\":[" + parts + "]}");
  }

  private static JsonObject preTokenizer(boolean bpe) {
    String spaces =
        "{\"type\":\"Metaspace\",\"replacement\":\"\u2581\",\"prepend_scheme\":\"always\",\"split\":true}";
    return object(
        bpe
            ? spaces
            : "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"WhitespaceSplit\"},"
                + spaces
                + "]}");
  }

  private static JsonObject object(String json) {
    return JsonParser.parseString(json).getAsJsonObject();
  }

  /** Where NLLB has its language, see {@link TokenizerJson}. */
  private JsonObject postProcessor(Kind kind, List<Piece> all, TokenizerConfig config)
      throws TokenizerFormatException {
    JsonArray single = new JsonArray();
    JsonObject tokens = new JsonObject();
    if (kind == Kind.XLM_ROBERTA) {
      place(single, tokens, all, config.token("bos_token"), "<s>");
    }
    single.add(object("{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}"));
    place(single, tokens, all, config.token("eos_token"), "</s>");
    JsonObject processor = object("{\"type\":\"TemplateProcessing\",\"pair\":[]}");
    processor.add("single", single);
    processor.add("special_tokens", tokens);
    return processor;
  }

  private void place(
      JsonArray single, JsonObject tokens, List<Piece> all, @Nullable String given, String usual)
      throws TokenizerFormatException {
    String token = given == null ? usual : given;
    for (int id = 0; id < all.size(); id++) {
      if (all.get(id).text.equals(token)) {
        Gson gson = new Gson();
        single.add(gson.toJsonTree(Map.of("SpecialToken", Map.of("id", token, "type_id", 0))));
        tokens.add(token, gson.toJsonTree(Map.of("id", token, "ids", List.of(id))));
        return;
      }
    }
    throw new TokenizerFormatException(file + " has no piece " + token + ", which ends texts");
  }

  private static JsonObject unigram(List<Piece> all, int unknown) {
    JsonArray vocabulary = new JsonArray();
    for (Piece piece : all) {
      JsonArray entry = new JsonArray();
      entry.add(piece.text);
      entry.add(piece.score);
      vocabulary.add(entry);
    }
    JsonObject model = new JsonObject();
    model.addProperty("type", "Unigram");
    model.addProperty("unk_id", unknown);
    model.add("vocab", vocabulary);
    model.addProperty("byte_fallback", false);
    return model;
  }

  private record Merge(String left, String right, int rank) {}

  /**
   * SentencePiece joins the two neighbours whose piece has the best score, which is the first of
   * the vocabulary; so each piece gives a merge for every way to divide it.
   */
  private static JsonObject bpe(List<Piece> all) {
    Map<String, Integer> ids = new HashMap<>();
    JsonObject vocabulary = new JsonObject();
    for (int id = 0; id < all.size(); id++) {
      ids.put(all.get(id).text, id);
      vocabulary.addProperty(all.get(id).text, id);
    }
    List<Merge> merges = new ArrayList<>();
    for (int id = 0; id < all.size(); id++) {
      String text = all.get(id).text;
      List<Merge> own = new ArrayList<>();
      for (int at = 1; at < text.length(); at++) {
        Merge merge = new Merge(text.substring(0, at), text.substring(at), id);
        if (ids.containsKey(merge.left) && ids.containsKey(merge.right)) {
          own.add(merge);
        }
      }
      own.sort(
          Comparator.comparing((Merge m) -> ids.get(m.left)).thenComparing(m -> ids.get(m.right)));
      merges.addAll(own);
    }
    merges.sort(
        Comparator.comparingInt(Merge::rank)
            .thenComparingInt(m -> m.left.codePointCount(0, m.left.length()))
            .thenComparingInt(m -> m.right.codePointCount(0, m.right.length())));
    JsonArray pairs = new JsonArray();
    for (Merge merge : merges) {
      JsonArray pair = new JsonArray();
      pair.add(merge.left);
      pair.add(merge.right);
      pairs.add(pair);
    }
    JsonObject model = new JsonObject();
    model.addProperty("type", "BPE");
    model.addProperty("unk_token", "<unk>");
    model.addProperty("fuse_unk", true);
    model.addProperty("byte_fallback", false);
    model.add("vocab", vocabulary);
    model.add("merges", pairs);
    return model;
  }
}
