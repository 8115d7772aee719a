package org.clip4j.image;

import java.io.IOException;

/** Takes the size in an image's header, before anything is allocated for it. */
interface SizeCheck {
  void check(int width, int height) throws IOException;
}
