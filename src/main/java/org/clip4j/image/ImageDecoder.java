package org.clip4j.image;

public final class ImageDecoder {
  public static RgbImage decode(java.nio.file.Path p) throws java.io.IOException {
    throw new java.io.IOException();
  }

  public static RgbImage decode(byte[] b, String n) throws java.io.IOException {
    throw new java.io.IOException();
  }
}
