package org.clip4j.examples.app;

import java.awt.geom.Rectangle2D;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import org.clip4j.data.shapes.ColouredShapes;
import org.clip4j.data.shapes.ShapePair;
import org.clip4j.data.shapes.ShapePair.Placed;
import org.clip4j.encode.ImageSource;
import org.clip4j.explain.Explainer;
import org.clip4j.explain.Explanation;
import org.clip4j.explain.HeatMap;

/**
 * How well heat maps point at the named one of two objects.
 *
 * @param objects that were named
 * @param share of the positive relevance within the object's box, on average; a map without any
 *     relevance counts as 0
 * @param standing the same share of what stands out, {@link HeatMap#aboveMean}
 * @param pointing share of the maps whose greatest value is within the box, the pointing game of
 *     Zhang et al. 2016, without a margin
 * @param chance share of the picture that the boxes take, on average
 */
public record ShapePointing(
    int objects, double share, double standing, double pointing, double chance) {

  /** Names each object of pictures of two, one at a time. */
  public static ShapePointing measure(Explainer explainer, int side, int pictures)
      throws IOException {
    ColouredShapes shapes = ColouredShapes.builder().optImageSize(side).build();
    int objects = 0;
    int hits = 0;
    double share = 0;
    double standing = 0;
    double chance = 0;
    for (ShapePair pair : shapes.pairsTest(pictures)) {
      ImageSource image = pair.image();
      List<Placed> placed = List.of(pair.first(), pair.second());
      List<String> texts = placed.stream().map(object -> "a " + object.label()).toList();
      List<Explanation> explanations = explainer.explain(image, texts);
      for (int i = 0; i < placed.size(); i++) {
        HeatMap map = explanations.get(i).heatMap();
        Rectangle2D box = placed.get(i).box();
        share += within(map, box);
        standing += within(map.aboveMean(), box);
        hits += box.contains(map.hottest()) ? 1 : 0;
        chance += box.getWidth() * box.getHeight() / side / side;
        objects++;
      }
    }
    return new ShapePointing(
        objects, share / objects, standing / objects, (double) hits / objects, chance / objects);
  }

  private static double within(HeatMap map, Rectangle2D box) {
    double share = map.shareWithin(box);
    return Double.isNaN(share) ? 0 : share;
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        """
        %d objects of pictures of two, each named once
          relevance within the named object's box  %5.1f %%  (its share of the picture is %.1f %%)
          the same of what is above the mean       %5.1f %%
          pointing game                            %5.1f %%
        """,
        objects,
        100 * share,
        100 * chance,
        100 * standing,
        100 * pointing);
  }
}
