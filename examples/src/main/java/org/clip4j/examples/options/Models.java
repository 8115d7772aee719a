package org.clip4j.examples.options;

import org.clip4j.Clip;
import org.clip4j.ClipLoader;
import org.clip4j.examples.app.terminal.DownloadBar;

/** Models by the names that options take. */
public final class Models {
  /** What an option means that names a model. */
  public static final String NAME =
      "A model on the hub (laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K), a folder or a weights file.";

  private Models() {}

  /** Loads a model, with a bar while it is downloaded. */
  public static ClipLoader loader(String name) {
    return Clip.loader(name).optDownloadListener(new DownloadBar());
  }
}
