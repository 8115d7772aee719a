package org.clip4j.train.options;

import java.util.Arrays;
import org.clip4j.io.Limits;
import org.clip4j.model.ClipConfig;
import org.clip4j.train.internal.ParameterPlace;
import org.clip4j.train.internal.ParameterPlace.Tower;

/**
 * Says which part of a model a training leaves as it is. Frozen parameters have no gradient, no
 * weight decay and no optimizer state, and cost no backward pass; batch norms in a frozen block
 * keep their running statistics and use them. Logit scale and bias are always trained.
 *
 * <pre>{@code
 * Freezing.imageTower()                      // LiT (Zhai et al. 2022): only the text tower learns
 * Freezing.imageTower().withLastBlocksUnlocked(2)  // but for the last two blocks and all after them
 * Freezing.allButProjections()               // only the linear maps into the shared space learn
 * }</pre>
 */
public final class Freezing {
  private static final int WHOLE = -1;

  /** Last blocks that are trained nevertheless; {@link #WHOLE} for not even the projection. */
  private final int unlocked;

  private final Tower[] towers;

  private Freezing(int unlocked, Tower... towers) {
    this.unlocked = unlocked;
    this.towers = towers;
  }

  /** Freezes the image tower, with its projection (OpenCLIP's {@code --lock-image}). */
  public static Freezing imageTower() {
    return new Freezing(WHOLE, Tower.IMAGE);
  }

  /** Freezes the text tower, with its projection (OpenCLIP's {@code --lock-text}). */
  public static Freezing textTower() {
    return new Freezing(WHOLE, Tower.TEXT);
  }

  /** Freezes both towers but for their projections; a SigLIP image tower has none. */
  public static Freezing allButProjections() {
    return new Freezing(0, Tower.IMAGE, Tower.TEXT);
  }

  /**
   * Freezes the same but for the last blocks and what comes after them: the last norm or attention
   * pooling, and the projection. 0 leaves the projection alone unlocked. OpenCLIP counts the
   * projection too, so its {@code --lock-image-unlocked-groups} is one more.
   *
   * @param count at most as many as the tower has
   */
  public Freezing withLastBlocksUnlocked(int count) {
    return new Freezing(Limits.atLeast("blocks to unlock", 0, count), towers);
  }

  /** Returns whether a parameter keeps its values. */
  public boolean freezes(ClipConfig config, String name) {
    ParameterPlace place = ParameterPlace.of(config, name);
    if (!Arrays.asList(towers).contains(place.tower())) {
      return false;
    }
    if (unlocked > place.blocks()) {
      throw new IllegalArgumentException(
          "cannot unlock the last "
              + unlocked
              + " blocks of a tower of "
              + place.blocks()
              + "; unlock fewer, or do not freeze it");
    }
    if (unlocked == WHOLE) {
      return true;
    }
    return switch (place.part()) {
      case EMBEDDING -> true;
      case BLOCK -> place.block() < place.blocks() - unlocked;
      case HEAD -> unlocked == 0;
      case PROJECTION -> false;
    };
  }

  /** Describes these settings, for comparing and showing them. */
  @Override
  public String toString() {
    return Arrays.toString(towers)
        + (unlocked == WHOLE ? " whole" : " but for " + unlocked + " blocks");
  }
}
