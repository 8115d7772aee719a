package org.clip4j.djl;

import ai.djl.repository.zoo.ModelZoo;
import java.nio.file.Path;
import java.util.Set;

/**
 * Offers one CLIP model as a model zoo, for DJL's {@code Criteria}.
 *
 * <pre>{@code
 * Criteria<Image, Classifications> criteria =
 *     Criteria.builder()
 *         .setTypes(Image.class, Classifications.class)
 *         .optModelZoo(ClipZoo.of("laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K"))
 *         .optArgument("labels", List.of("cat", "dog", "rabbit"))
 *         .optDevice(Device.cpu())
 *         .build();
 * try (ZooModel<Image, Classifications> model = criteria.loadModel();
 *     Predictor<Image, Classifications> predictor = model.newPredictor()) {
 *   Classifications answer = predictor.predict(ImageFactory.getInstance().fromFile(file));
 * }
 * }</pre>
 *
 * <p>The types decide what is predicted:
 *
 * <ul>
 *   <li>{@code Image} to {@code float[]}: the image's embedding, unit length
 *   <li>{@code String} to {@code float[]}: the text's embedding, unit length
 *   <li>{@code Image} to {@code Classifications}: probabilities of the argument {@code labels}, a
 *       list. The argument {@code templates}, a list of prompts with a {@code {}} where the label
 *       goes, replaces "a photo of a {}.", {@code topK} the number of labels shown, which is 5,
 *       {@code probabilities} how they are made ({@link org.clip4j.Probabilities}, or its name),
 *       and {@code multiLabel}, true, judges each label for itself
 * </ul>
 *
 * <p>One model serves all of them at once, with predictors by {@link ClipTranslators}. The argument
 * {@code architecture} names that of weights without a configuration. Without a device, the model
 * goes where DJL puts models: on the first GPU if there is one. What a criteria asks for and a CLIP
 * model cannot do, such as an argument that none of these is, is an error of {@code loadModel}.
 *
 * <p>The model's native memory is freed by closing the {@code ZooModel}, after its predictors. A
 * predictor is for one thread, as all of DJL's; any number of them may work at once.
 */
public final class ClipZoo extends ModelZoo {
  /** The group of the one artifact, whose name is that of the model. */
  public static final String GROUP_ID = "org.clip4j";

  private ClipZoo(String name, Path path) {
    addModel(new ClipModelLoader(name, path));
  }

  /**
   * Makes a zoo of the model of a name.
   *
   * @param name as for {@link org.clip4j.Clip#load(String)}: of a model on the Hugging Face hub, of
   *     a folder or of a file
   */
  public static ClipZoo of(String name) {
    return new ClipZoo(name, null);
  }

  /**
   * Makes a zoo of the model in a folder or file, which is never looked for on the network.
   *
   * @param checkpoint as for {@link org.clip4j.Clip#load(Path)}
   */
  public static ClipZoo of(Path checkpoint) {
    return new ClipZoo(checkpoint.toString(), checkpoint);
  }

  @Override
  public String getGroupId() {
    return GROUP_ID;
  }

  @Override
  public Set<String> getSupportedEngines() {
    return Set.of(ClipModelLoader.ENGINE);
  }
}
