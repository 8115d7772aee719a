package org.clip4j.examples.docs;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.clip4j.Clip;
import org.clip4j.springai.ClipEmbeddingModel;
import org.springframework.ai.content.Media;
import org.springframework.ai.document.Document;
import org.springframework.ai.embedding.EmbeddingModel;
import org.springframework.ai.embedding.EmbeddingOptions;
import org.springframework.ai.embedding.TokenCountBatchingStrategy;
import org.springframework.core.io.FileSystemResource;
import org.springframework.util.MimeTypeUtils;

/**
 * The snippets of docs/integrations.md about Spring AI, compiled; a test holds the guide to them.
 */
final class SpringAiGuide {
  private SpringAiGuide() {}

  static EmbeddingModel model(Clip clip) {
    EmbeddingModel model =
        ClipEmbeddingModel.of(clip, "laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K");
    return model;
  }

  static List<float[]> embed(EmbeddingModel model, List<Path> files) {
    List<Document> pictures =
        files.stream()
            .map(
                file ->
                    new Document(
                        new Media(MimeTypeUtils.IMAGE_PNG, new FileSystemResource(file)),
                        Map.of("file", file.toString())))
            .toList();
    return model.embed(
        pictures, EmbeddingOptions.builder().build(), new TokenCountBatchingStrategy());
  }

  static double similarity(EmbeddingModel model, float[] picture) {
    float[] text = model.embed("a photo of a dog");
    return Clip.cosine(picture, text);
  }
}
