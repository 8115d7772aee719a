package org.clip4j.data;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.clip4j.data.internal.shards.ShardScanner;
import org.clip4j.encode.ImageSource;
import org.clip4j.image.ImageDecoder;
import org.clip4j.image.RgbImage;
import org.clip4j.io.IoErrors;

/** A sample of a shard, read when its turn comes. */
record ShardSample(
    Path shard, ShardScanner.Sample sample, List<String> captionKeys, ImageDecoder decoder)
    implements Drawn.Reading, ImageSource {

  @Override
  public String name() {
    return sample.key().isEmpty() ? shard.toString() : shard + ":" + sample.key();
  }

  @Override
  public ImageTextPair pair() throws IOException {
    if (sample.damage() != null) {
      throw new IOException(name() + " " + sample.damage());
    }
    String text;
    try {
      text =
          StandardCharsets.UTF_8
              .newDecoder()
              .decode(ByteBuffer.wrap(sample.text().read(shard, name())))
              .toString();
    } catch (CharacterCodingException e) {
      throw new IOException(name() + ": its caption is not UTF-8", e);
    }
    List<String> captions = new ArrayList<>();
    if (sample.json()) {
      addCaptions(text, captions);
    } else if (!text.isBlank()) {
      captions.add(text.strip());
    }
    if (captions.isEmpty()) {
      throw new IOException(name() + ": its caption is empty");
    }
    return new ImageTextPair(this, captions);
  }

  private void addCaptions(String text, List<String> captions) throws IOException {
    JsonElement json;
    try {
      json = JsonParser.parseString(text);
    } catch (JsonParseException e) {
      throw new IOException(name() + ": its json is not valid: " + IoErrors.message(e), e);
    }
    if (!(json instanceof JsonObject fields)) {
      throw new IOException(name() + ": its json is no object");
    }
    for (String key : captionKeys) {
      if (!JsonLines.addCaptions(fields.get(key), captions)) {
        throw new IOException(
            name() + ": \"" + key + "\" of its json is neither a caption nor a list of captions");
      }
    }
    if (captions.isEmpty() && captionKeys.stream().noneMatch(fields::has)) {
      throw new IOException(name() + ": its json has no key " + captionKeys);
    }
  }

  @Override
  public RgbImage read() throws IOException {
    return decoder.read(sample.image().read(shard, name()), name());
  }
}
