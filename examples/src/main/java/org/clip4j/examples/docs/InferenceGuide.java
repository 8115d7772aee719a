package org.clip4j.examples.docs;

import ai.djl.Device;
import ai.djl.inference.Predictor;
import ai.djl.modality.Classifications;
import ai.djl.modality.cv.Image;
import ai.djl.modality.cv.ImageFactory;
import ai.djl.repository.zoo.Criteria;
import ai.djl.repository.zoo.ZooModel;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.clip4j.Clip;
import org.clip4j.LabelScore;
import org.clip4j.LabelThreshold;
import org.clip4j.LabelledExample;
import org.clip4j.UnknownFit;
import org.clip4j.UnknownRule;
import org.clip4j.ZeroShotAnswer;
import org.clip4j.ZeroShotClassifier;
import org.clip4j.djl.ClipTranslators;
import org.clip4j.djl.ClipZoo;
import org.clip4j.encode.ImageSource;
import org.clip4j.encode.ImageVisitor;
import org.clip4j.engine.Precision;
import org.clip4j.explain.Activations;
import org.clip4j.explain.Explainer;
import org.clip4j.explain.Explanation;
import org.clip4j.explain.FloatTensor;
import org.clip4j.explain.TokenRelevance;
import org.clip4j.image.ImageDecoder;
import org.clip4j.search.Embeddings;
import org.clip4j.search.ExactIndex;
import org.clip4j.search.Hit;
import org.clip4j.search.Quantization;
import org.clip4j.search.lucene.Filter;
import org.clip4j.search.lucene.IndexEntry;
import org.clip4j.search.lucene.LuceneIndex;
import org.clip4j.search.lucene.Match;
import org.clip4j.search.lucene.ModelIdentity;
import org.clip4j.search.lucene.SearchQuery;
import org.clip4j.segment.ClipSegmenter;
import org.clip4j.segment.Mask;

/** The snippets of docs/inference.md, compiled; a test holds the guide to them. */
final class InferenceGuide {
  private InferenceGuide() {}

  static Clip load() {
    Clip clip =
        Clip.loader("laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K")
            .optDevice(Device.cpu()) // Device.gpu() where there is one
            .optPrecision(Precision.BF16) // FP32 by default
            .optDecoder(ImageDecoder.defaults().withMaxPixels(50_000_000))
            .load();
    return clip;
  }

  static void kinds(Clip clip, InputStream upload, byte[] file, BufferedImage drawn)
      throws IOException {
    float[] fromFile = clip.encodeImage(Path.of("dog.jpg"));
    float[] fromStream = clip.encodeImage(upload); // read to its end, not closed
    float[] fromBytes = clip.encodeImage(file);
    float[] fromMemory = clip.encodeImage(drawn);
    float[] fromDjl =
        clip.encodeImage(ImageFactory.getInstance().fromUrl("https://example.org/dog.jpg"));
  }

  static void lists(Clip clip, InputStream upload, byte[] file) {
    float[][] all = clip.encodeImages(List.of(file, upload, Path.of("dog.jpg"))); // in batches
    CompletableFuture<float[]> image = clip.encodeImageAsync(file);
    CompletableFuture<float[]> text = clip.encodeTextAsync("a photo of a dog");
    double similarity = image.thenCombine(text, Clip::cosine).join();
  }

  static void serve(Clip clip, List<byte[]> requests) {
    ZeroShotClassifier pets = clip.zeroShot("cat", "dog", "rabbit").build();
    ExecutorService requestThreads = Executors.newFixedThreadPool(100);
    for (byte[] request : requests) {
      requestThreads.submit(() -> System.out.println(pets.classify(request).best()));
    }
    requestThreads.shutdown();
  }

  static void probabilities(Clip clip, Path photo) {
    ZeroShotAnswer answer = clip.zeroShot("cat", "dog", "rabbit").build().answer(photo);
    for (LabelScore score : answer.top(2)) {
      System.out.println(score.label() + " " + score.probability() + " " + score.cosine());
    }
  }

  static List<String> tags(Clip clip, List<LabelledExample> examples, Path photo) {
    // Each label for itself: an image may show several of them, or none.
    ZeroShotClassifier tags = clip.zeroShot("cat", "dog", "person").optMultiLabel().build();
    List<LabelThreshold> fitted =
        tags.fitThresholds(examples); // LabelledExample.of(file, "cat", "dog")
    for (LabelThreshold each : fitted) {
      System.out.println(each.label() + " " + each.precision() + " " + each.recall());
    }
    return tags.withThresholds(fitted).answer(photo).labels(); // perhaps none
  }

  static String unknown(Clip clip, List<LabelledExample> heldOut, Path photo) {
    ZeroShotClassifier pets = clip.zeroShot("cat", "dog", "rabbit").build();
    // At most 5 % of the held-out images without a label may count as a pet.
    UnknownFit fit = pets.fitUnknown(UnknownRule.Score.MARGIN, heldOut, 0.05);
    System.out.println(fit.rule() + " keeps " + fit.trueAcceptRate() + " of the pets");
    ZeroShotAnswer answer = pets.withUnknown(fit.rule()).answer(photo);
    return answer.isUnknown() ? "none: " + answer.unknownCheck() : answer.labels().get(0);
  }

  static void explain(Path photo) throws IOException {
    try (Clip clip =
            Clip.loader("laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K")
                .optKeepWeights(true)
                .load();
        Explainer explainer = clip.explainer()) {
      ImageSource image = ImageSource.of(photo);
      for (Explanation why : explainer.explain(image, List.of("a dog", "a sofa"))) {
        why.heatMap().writeOverlay(image.read(), Path.of(why.text() + ".png"));
        for (TokenRelevance token : why.tokens()) {
          System.out.println(token.word() + " " + token.relevance());
        }
      }
      Activations inside = explainer.activations(image);
      FloatTensor attention = inside.attention().get(11); // [heads, L, L], of the last block
      float[] patch = inside.patchEmbeddings().row(3, 3); // unit length, as texts' embeddings are
    }
  }

  static void segment(Path photo, Path example) {
    try (ClipSegmenter segmenter = ClipSegmenter.load("CIDAS/clipseg-rd64-refined")) {
      for (Mask mask : segmenter.segment(photo, "a dog", "a sofa")) {
        float[] probabilities = mask.probabilitiesOfImage(); // [imageHeight, imageWidth]
        System.out.println(mask.prompt() + " " + mask.share(0.5) + " " + probabilities[0]);
      }
      Mask like = segmenter.segmentLike(photo, example); // what the example image shows
      float[] logits = like.logits(); // [352, 352], as the model gives them
    }
  }

  static void embedFolder(Clip clip, Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      Stream<ImageSource> images = files.filter(Files::isRegularFile).map(ImageSource::of);
      clip.encodeImages(
          images.iterator(),
          new ImageVisitor() {
            @Override
            public void embedding(long index, ImageSource image, float[] embedding) {
              System.out.println(image.name() + " " + embedding[0]);
            }

            @Override
            public void unreadable(long index, ImageSource image, IOException error) {
              System.err.println(error.getMessage()); // and goes on; without this it would stop
            }
          });
    }
  }

  static void search(Clip clip, Path embedded) throws IOException {
    try (Embeddings embeddings = Embeddings.open(embedded); // what Embed wrote
        ExactIndex index = embeddings.index()) {
      for (Hit hit : index.search(clip.encodeText("a red circle"), 10)) {
        System.out.println(hit.score() + " " + embeddings.name(hit.row()));
      }
    }
  }

  static void searchInLittleMemory(Clip clip, Path embedded) throws IOException {
    ExactIndex.Builder options =
        ExactIndex.builder().optQuantization(Quantization.INT8).optOversampling(4);
    try (Embeddings embeddings = Embeddings.open(embedded, options)) {
      System.out.println(embeddings.index().search(clip.encodeText("a red circle"), 10));
    }
  }

  static void index(Clip clip, Path folder, ModelIdentity model) throws IOException {
    try (LuceneIndex index = LuceneIndex.builder(folder).optModel(model).create()) {
      float[] vector = clip.encodeImage(Path.of("dog.jpg"));
      Map<String, Object> fields = Map.of("kind", "photo", "taken", Instant.now(), "year", 2026);
      index.add(new IndexEntry("dog.jpg", vector, fields));
      index.update(new IndexEntry("dog.jpg", vector, Map.of("kind", "drawing")));
      index.remove(List.of("cat.jpg"));
      index.commit(); // what was written until here is there after a crash
    }
  }

  static List<Match> find(Clip clip, LuceneIndex index) throws IOException {
    SearchQuery query =
        SearchQuery.of(clip.encodeText("a beach"))
            .optTopK(20)
            .optWhere(Filter.all(Filter.equal("kind", "photo"), Filter.range("year", 2020, null)))
            .optWithout(clip.encodeText("people"), 0.5f) // or optExcluding
            .optFold(0.95f) // near duplicates take no places of their own
            .optRelevance(0.3); // perhaps nothing
    return index.search(query);
  }

  static Classifications djl() throws Exception {
    Criteria<Image, Classifications> criteria =
        Criteria.builder()
            .setTypes(Image.class, Classifications.class)
            .optModelZoo(ClipZoo.of("laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K"))
            .optArgument("labels", List.of("cat", "dog", "rabbit"))
            .optArgument("templates", List.of("a photo of a {}.", "a drawing of a {}."))
            .optDevice(Device.cpu())
            .build();
    try (ZooModel<Image, Classifications> model = criteria.loadModel();
        Predictor<Image, Classifications> pets = model.newPredictor()) {
      return pets.predict(ImageFactory.getInstance().fromFile(Path.of("dog.jpg")));
    }
  }

  static List<float[]> djlEmbeddings(ZooModel<?, ?> model, List<Image> images) throws Exception {
    // One loaded model serves every kind of predictor.
    try (Predictor<Image, float[]> encoder = model.newPredictor(ClipTranslators.imageEmbedding());
        Predictor<String, float[]> texts = model.newPredictor(ClipTranslators.textEmbedding())) {
      float[] query = texts.predict("a photo of a dog"); // unit length, as images' are
      List<float[]> found = new ArrayList<>(encoder.batchPredict(images));
      found.sort((a, b) -> Double.compare(Clip.cosine(b, query), Clip.cosine(a, query)));
      return found;
    }
  }
}
