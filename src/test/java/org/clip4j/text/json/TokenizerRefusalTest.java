package org.clip4j.text.json;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Mistakes in a tokenizer.json, most of which the native library reports: each ends as an ordinary
 * error that names the file. Where the library panicked, this process would end, and so fail.
 */
class TokenizerRefusalTest {
  private static final Path FOLDER = Path.of("src/test/resources/tokenizers");
  private static final TokenizerRules RULES = TokenizerRules.builder().setContextLength(16).build();

  @TempDir Path scratch;

  private void assertRefused(JsonObject json, String message) throws IOException {
    String text = json.toString().replace("\ud800", "\\ud800").replace("\udc00", "\\udc00");
    Files.writeString(scratch.resolve("tokenizer.json"), text);
    assertThatThrownBy(() -> TokenizerJson.open(scratch, RULES).close())
        .isInstanceOf(TokenizerFormatException.class)
        .hasMessageStartingWith(scratch.resolve("tokenizer.json").toString())
        .hasMessageContaining(message)
        .hasMessageNotContaining("line 1 column");
  }

  private static JsonObject json(String name) throws IOException {
    return JsonParser.parseString(Files.readString(FOLDER.resolve(name).resolve("tokenizer.json")))
        .getAsJsonObject();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      textBlock =
          """
          {}|                                                               type of one
          []|                                                               not an object
          {"type":"FixedLength","length":0}|                                'FixedLength' is not known
          {"type":"NFC","form":1}|                                          'form' is not known
          {"type":"Sequence"}|                                              normalizers
          {"type":"Sequence","normalizers":{}}|                             sequence
          {"type":"Sequence","normalizers":[null]}|                         not an object
          {"type":"Sequence","normalizers":[{"type":"Strip"}]}|             strip_left
          {"type":"Strip","strip_left":1,"strip_right":true}|               boolean
          {"type":"BertNormalizer","clean_text":true}|                      library refuses
          {"type":"Replace","content":""}|                                  Replace.pattern
          {"type":"Replace","pattern":{"String":"a"}}|                      content
          {"type":"Replace","pattern":{"String":"a"},"content":1}|          content
          {"type":"Replace","pattern":{"String":""},"content":""}|          Replace.pattern
          {"type":"Replace","pattern":{"Regex":"[z-a]"},"content":""}|      library refuses
          {"type":"Replace","pattern":{"String":"\\ud800"},"content":""}|   half a surrogate pair
          {"type":"Prepend"}|                                               prepend
          {"type":"Precompiled"}|                                           precompiled_charsmap
          {"type":"Precompiled","precompiled_charsmap":null}|               precompiled_charsmap
          {"type":"Precompiled","precompiled_charsmap":""}|                 cut off
          """)
  void normalizers_that_are_wrong_are_refused(String normalizer, String message)
      throws IOException {
    JsonObject json = json("siglip");
    json.add("normalizer", JsonParser.parseString(normalizer));
    assertRefused(json, message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      textBlock =
          """
          {"type":"CharDelimiterSplit","delimiter":"a"}|                        is not known
          {"type":"ByteLevel","add_prefix_space":true}|                         trim_offsets
          {"type":"Metaspace"}|                                                 replacement
          {"type":"Metaspace","replacement":"ab"}|                              a character
          {"type":"Metaspace","replacement":"\\udc00"}|                         half a surrogate pair
          {"type":"Metaspace","replacement":"_","prepend_scheme":"all"}|        all
          {"type":"Punctuation","behavior":"all"}|                              all
          {"type":"Digits","individual_digits":1}|                              boolean
          {"type":"Split","pattern":{"String":"a"},"behavior":"Removed"}|       invert
          {"type":"Split","pattern":"a","behavior":"Removed","invert":true}|    Split.pattern
          """)
  void pre_tokenizers_that_are_wrong_are_refused(String preTokenizer, String message)
      throws IOException {
    JsonObject json = json("siglip");
    json.add("pre_tokenizer", JsonParser.parseString(preTokenizer));
    assertRefused(json, message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      textBlock =
          """
          siglip|  type|                       "Other"|            type 'Other' is not known
          siglip|  type|                       "BPE"|              'unk_id' is not known of a BPE
          siglip|  unk_id|                     null|               unk_id is null
          siglip|  unk_id|                     1000000|            unk_id is 1000000
          siglip|  vocab|                      []|                 missing or empty
          siglip|  vocab|                      null|               missing or empty
          siglip|  vocab|                      [["a"]]|            not laid out
          siglip|  vocab|                      [["<pad>",0,1]]|    library refuses
          siglip|  vocab|                      [["a",null]]|       not laid out
          siglip|  vocab|                      [["a",1e999]]|      no logarithm
          siglip|  vocab|                      [["a",0],["a",0]]|  'a' twice
          siglip|  byte_fallback|              1|                  library refuses
          siglip|  merges|                     []|                 'merges' is not known
          gemma|   merges|                     null|               library refuses
          gemma|   merges|                     [["a"]]|            library refuses
          gemma|   merges|                     [["a","none"]]|     `none`
          gemma|   merges|                     ["a b c"]|          library refuses
          gemma|   merges|                     [["a","\\ud800"]]|  half a surrogate pair
          gemma|   dropout|                    0.5|                random
          gemma|   unk_token|                  "none"|             unk_token is 'none'
          gemma|   fuse_unk|                   1|                  library refuses
          bert|    unk_token|                  "none"|             unk_token is 'none'
          bert|    max_input_chars_per_word|   257|                more than 256
          bert|    max_input_chars_per_word|   -1|                 '-1'
          bert|    vocab|                      {"a":2.5}|          '2.5'
          bert|    vocab|                      {"a":4294967296}|   '4294967296'
          bert|    vocab|                      [["[PAD]",0]]|      library refuses
          """)
  void models_that_are_wrong_are_refused(String name, String key, String value, String message)
      throws IOException {
    JsonObject json = json(name);
    JsonElement element = JsonParser.parseString(value);
    json.getAsJsonObject("model").add(key, element);
    if (key.equals("vocab")) { // alone, so that nothing refers to what is no longer there
      json.remove("added_tokens");
      json.getAsJsonObject("model").addProperty("unk_id", name.equals("siglip") ? 0 : null);
      json.getAsJsonObject("model").addProperty("unk_token", name.equals("bert") ? "[PAD]" : null);
    }
    assertRefused(json, message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      textBlock =
          """
          version|         "2.0"|                                           version '2.0'
          version|         1|                                               library refuses
          other|           1|                                               'other' is not known
          model|           []|                                              has no model
          added_tokens|    {}|                                              not laid out
          added_tokens|    [{"content":"a"}]|                               not a whole number
          added_tokens|    [{"id":"0","content":"<pad>"}]|                  not a whole number
          added_tokens|    [{"id":0,"content":"<pad>"}]|                    single_word
          post_processor|  {"type":"Other"}|                                'Other' is not known
          post_processor|  {"type":"BertProcessing"}|                       cls or sep
          post_processor|  {"type":"TemplateProcessing","single":[1]}|      not laid out
          """)
  void files_that_are_wrong_are_refused(String key, String value, String message)
      throws IOException {
    JsonObject json = json("siglip");
    json.add(key, JsonParser.parseString(value));
    assertRefused(json, message);
  }
}
