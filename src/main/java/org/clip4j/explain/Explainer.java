package org.clip4j.explain;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.awt.geom.Rectangle2D;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.clip4j.encode.ImageSource;
import org.clip4j.encode.PixelInput;
import org.clip4j.engine.internal.Autograd;
import org.clip4j.engine.internal.HostMemory;
import org.clip4j.image.ImageTransform;
import org.clip4j.image.ImageTransform.Grid;
import org.clip4j.image.ImageTransform.ResizeMode;
import org.clip4j.image.RgbImage;
import org.clip4j.loss.Similarity;
import org.clip4j.model.ClipModel;
import org.clip4j.model.StagedVisionConfig;
import org.clip4j.model.Trace;
import org.clip4j.model.VisionConfig;
import org.clip4j.model.VisionTransformerConfig;
import org.clip4j.text.TokenBatch;
import org.clip4j.text.Tokenizer;
import org.jspecify.annotations.Nullable;

/**
 * Explains the similarity of images and texts, and shows what the encoders compute on the way.
 *
 * <pre>{@code
 * String name = "laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K";
 * try (Clip clip = Clip.loader(name).optKeepWeights(true).load();
 *     Explainer explainer = clip.explainer()) {
 *   ImageSource image = ImageSource.of(Path.of("pets.jpg"));
 *   for (Explanation why : explainer.explain(image, List.of("a dog", "a cat"))) {
 *     why.heatMap().writeOverlay(image.read(), Path.of(why.text() + ".png"));
 *   }
 * }
 * }</pre>
 *
 * <p>Transformers are explained by gradient-weighted attention (Chefer, Gur and Wolf 2021, "Generic
 * Attention-model Explainability", arXiv 2103.15679, equations 5 and 6, of the similarity times the
 * logit scale), ResNets by Grad-CAM (Selvaraju et al. 2017, arXiv 1610.02391). All is computed in
 * float32. Any number of threads may share one, and none may close the model meanwhile.
 */
public final class Explainer implements AutoCloseable {
  /** Grad-CAM takes the last layer whose grid has at least so many rows and columns. */
  private static final int LEAST_GRID = 4;

  private final ClipModel model;
  private final ImageTransform transform;
  private final @Nullable Tokenizer tokenizer;
  private final NDManager manager;
  private final Autograd autograd;
  private final PixelInput pixels;
  private final Similarity similarity;
  private int firstBlock;
  private int stage;

  /**
   * Explains a model's present weights. Closing it, or the model, frees its kernels.
   *
   * @param transform what the model was trained with
   * @param tokenizer what the model was trained with; null for images only
   * @throws IllegalStateException if the model does not keep its weights
   */
  public Explainer(ClipModel model, ImageTransform transform, @Nullable Tokenizer tokenizer) {
    if (!model.keepsWeights()) {
      throw new IllegalStateException(
          "this model was loaded for inference alone, and does not keep the weights that explaining"
              + " needs; load it so that it keeps its weights");
    }
    this.model = model;
    this.transform = transform;
    this.tokenizer = tokenizer;
    manager = model.manager().newSubManager();
    autograd = new Autograd(manager);
    pixels = new PixelInput(manager, transform);
    similarity = new Similarity(manager);
  }

  /**
   * Sets the first block of a transformer whose attention counts, in either tower. By default all
   * do, as in the paper; -1 for the last one alone, which is what the paper's notebook for CLIP
   * begins with.
   *
   * @param block from 0, or from -1 downwards from the last one
   */
  public Explainer optFirstBlock(int block) {
    firstBlock = block;
    return this;
  }

  /**
   * Sets the stage of a convolutional tower (ResNet, ConvNeXt, FastViT) whose output Grad-CAM looks
   * at, from 1 as in a ResNet's {@code layer1}. By default the last one whose grid has at least
   * {@value #LEAST_GRID} rows and columns, which is a ResNet's fourth for images of 224 pixels.
   *
   * @throws IllegalArgumentException if the image tower has no such stage
   */
  public Explainer optStage(int stage) {
    VisionConfig vision = model.config().vision();
    int stages = vision instanceof StagedVisionConfig tower ? tower.layers().size() : 0;
    if (stage < 1 || stage > stages) {
      throw new IllegalArgumentException(
          "a "
              + vision.family()
              + (stages == 0 ? " has no stages" : " has the stages 1 to " + stages)
              + ", found "
              + stage);
    }
    this.stage = stage;
    return this;
  }

  /**
   * Explains why an image is similar to each of some texts, or is not.
   *
   * @return one for each text, in order
   * @throws IOException if the image cannot be read; the message names it
   */
  public List<Explanation> explain(ImageSource image, List<String> texts) throws IOException {
    RgbImage read = image.read();
    try (NDManager call = model.manager().newSubManager()) {
      Trace seen = model.traceImage(pixels(call, read));
      float[] imageEmbedding = seen.embedding().toFloatArray();
      List<Explanation> explanations = new ArrayList<>();
      for (String text : texts) {
        try (NDManager once = call.newSubManager()) {
          int[] ids = tokenizer().encode(text);
          Trace understood = model.traceText(ids(once, ids));
          float[] textEmbedding = understood.embedding().toFloatArray();
          HeatMap map = heatMap(seen, read, gradient(imageEmbedding, textEmbedding));
          float[] tokens = tokens(understood, gradient(textEmbedding, imageEmbedding));
          double cosine = Relevance.cosine(imageEmbedding, textEmbedding);
          explanations.add(new Explanation(text, cosine, map, words(text, ids, tokens)));
        }
      }
      return explanations;
    }
  }

  /** Explains an image file as {@link #explain(ImageSource, List)} does. */
  public List<Explanation> explain(Path image, List<String> texts) throws IOException {
    return explain(ImageSource.of(image), texts);
  }

  /**
   * Shows what the image encoder computes.
   *
   * @throws IOException if the image cannot be read; the message names it
   */
  public Activations activations(ImageSource image) throws IOException {
    RgbImage read = image.read();
    try (NDManager call = model.manager().newSubManager()) {
      Trace trace = model.traceImage(pixels(call, read));
      return activations(
          trace,
          model.config().vision() instanceof VisionTransformerConfig tower
              ? patchEmbeddings(trace, grid(tower, read))
              : null);
    }
  }

  /** Shows what the text encoder computes. */
  public Activations activations(String text) {
    try (NDManager call = model.manager().newSubManager()) {
      return activations(model.traceText(ids(call, tokenizer().encode(text))), null);
    }
  }

  private static Activations activations(Trace trace, @Nullable FloatTensor patches) {
    return new Activations(
        trace.states().stream().map(FloatTensor::ofOne).toList(),
        trace.attention().stream().map(FloatTensor::ofOne).toList(),
        trace.poolingAttention() == null ? null : FloatTensor.ofOne(trace.poolingAttention()),
        patches);
  }

  private Grid grid(VisionTransformerConfig tower, RgbImage image) {
    return transform.resizeMode() == ResizeMode.PATCHES
        ? transform.grid(image.width(), image.height())
        : new Grid(tower.gridHeight(), tower.gridWidth());
  }

  private FloatTensor patchEmbeddings(Trace trace, Grid grid) {
    List<NDArray> states = trace.states();
    NDArray rows = similarity.normalize(model.embedPatches(states.get(states.size() - 1)));
    float[] values = rows.toFloatArray();
    int width = Math.toIntExact(rows.size(1));
    return FloatTensor.of(values, grid.rows(), grid.columns(), width);
  }

  private float[] gradient(float[] own, float[] other) {
    return Relevance.ofCosine(own, other, model.logitScale());
  }

  private HeatMap heatMap(Trace trace, RgbImage image, float[] gradient) {
    Rectangle2D kept = transform.kept(image.width(), image.height());
    if (model.config().vision() instanceof VisionTransformerConfig tower) {
      float[] all = Relevance.ofTokens(autograd, trace, gradient, first(trace));
      int rows = grid(tower, image).rows();
      int columns = grid(tower, image).columns();
      float[] patches = new float[rows * columns];
      System.arraycopy(all, all.length - patches.length, patches, 0, patches.length);
      if (transform.resizeMode() == ResizeMode.PATCHES) {
        return new HeatMap(rows, columns, patches, kept);
      }
      // What is left of a grid that does not divide the image was not looked at.
      double seenX = (double) columns * tower.patchSize() / transform.width();
      double seenY = (double) rows * tower.patchSize() / transform.height();
      return new HeatMap(
          rows,
          columns,
          patches,
          new Rectangle2D.Double(
              kept.getX(), kept.getY(), kept.getWidth() * seenX, kept.getHeight() * seenY));
    }
    int layer = layer((StagedVisionConfig) model.config().vision(), trace);
    Shape shape = trace.states().get(layer).getShape();
    float[] cells = Relevance.ofCells(autograd, trace, gradient, layer);
    return new HeatMap((int) shape.get(2), (int) shape.get(3), cells, kept);
  }

  /** The last block of a stage, where places can still be told apart. */
  private int layer(StagedVisionConfig tower, Trace trace) {
    int found = 0;
    for (int s = 1, layer = 0; s <= tower.layers().size(); s++) {
      layer += tower.layers().get(s - 1); // the stem is state 0
      Shape shape = trace.states().get(layer).getShape();
      boolean large = Math.min(shape.get(2), shape.get(3)) >= LEAST_GRID;
      if (stage == 0 ? large || s == 1 : s == stage) {
        found = layer;
      }
    }
    return found;
  }

  private float[] tokens(Trace trace, float[] gradient) {
    return Relevance.ofTokens(autograd, trace, gradient, first(trace));
  }

  private int first(Trace trace) {
    int blocks = trace.attention().size();
    int first = firstBlock < 0 ? blocks + firstBlock : firstBlock;
    if (first < 0 || first >= blocks) {
      throw new IllegalArgumentException(
          "the first block that counts is " + firstBlock + ", but the encoder has " + blocks);
    }
    return first;
  }

  private List<TokenRelevance> words(String text, int[] ids, float[] relevance) {
    String[] words = TextParts.of(tokenizer(), text, ids);
    int before = model.config().text().rowsBeforeTokens();
    List<TokenRelevance> tokens = new ArrayList<>();
    for (int i = 0; i < ids.length; i++) {
      tokens.add(new TokenRelevance(ids[i], words[i], relevance[before + i]));
    }
    return tokens;
  }

  private Tokenizer tokenizer() {
    if (tokenizer == null) {
      throw new IllegalStateException("there is no tokenizer to encode texts with");
    }
    return tokenizer;
  }

  private NDArray pixels(NDManager owner, RgbImage image) {
    return pixels.ofOne(owner, transform.apply(image));
  }

  private NDArray ids(NDManager owner, int[] ids) {
    TokenBatch batch = TokenBatch.of(List.of(ids), tokenizer().padId());
    int length = model.config().text().paddedLength(ids.length);
    return HostMemory.upload(owner, new Shape(1, length), batch.padded(length));
  }

  @Override
  public void close() {
    manager.close();
  }
}
