package org.clip4j.examples.options;

import org.clip4j.Clip;
import org.clip4j.ClipLoader;
import org.clip4j.examples.app.terminal.DownloadBar;

/** Models by the names that options take. */
public final class Models {
  /** What an option means that names a model. */
  public static final String NAME =
      "A model on the hub (laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K), a folder or a weights file.";

  /** What an option means that names a text model for it. */
  public static final String TEXTS =
      "A text model of M-CLIP's or of sentence-transformers for the image model, on the hub or a folder"
          + " (sentence-transformers/clip-ViT-B-32-multilingual-v1 for openai/clip-vit-base-patch32).";

  private Models() {}

  /** Loads a model, with a bar while it is downloaded. */
  public static ClipLoader loader(String name) {
    return Clip.loader(name).optDownloadListener(new DownloadBar());
  }
}
