package org.clip4j.data.shapes;

import java.util.Locale;

/** The colours of the shapes. */
enum ShapeColour {
  RED(215, 30, 35),
  ORANGE(245, 135, 20),
  YELLOW(250, 225, 35),
  GREEN(35, 150, 50),
  BLUE(35, 80, 215),
  PURPLE(125, 40, 160),
  PINK(250, 125, 185),
  BLACK(22, 22, 24);

  final int red;
  final int green;
  final int blue;

  ShapeColour(int red, int green, int blue) {
    this.red = red;
    this.green = green;
    this.blue = blue;
  }

  /** As in captions: "red". */
  String word() {
    return name().toLowerCase(Locale.ROOT);
  }
}
