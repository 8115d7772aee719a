package org.clip4j.examples.app.tune;

import java.io.IOException;
import java.util.Map;
import org.clip4j.data.PairSource;
import org.clip4j.examples.app.evaluate.OpenModel;

/** What a model is tuned to. No image that tests chooses anything or is trained on. */
interface TuneTask {

  /**
   * What a model came to on the test images.
   *
   * @param target the task's measure
   * @param shift the same measure on shifted images, on average
   * @param recalls of retrieval, by what is found and among how many; empty for classes
   */
  record Tested(double target, double shift, Map<String, Double> recalls) {}

  /** What reports call its data. */
  String name();

  /** How many images train. */
  int trained();

  /** How many images test. */
  int tested();

  /**
   * What a method trains on.
   *
   * @throws IllegalArgumentException if the method does not suit the task
   */
  PairSource pairs(TuneMethod method);

  /** The texts of {@link #pairs}, in words. */
  String texts(TuneMethod method);

  /** The task's measure on images to choose by. */
  double choosing(OpenModel model) throws IOException;

  /** The task's measure on images to test. */
  double test(OpenModel model) throws IOException;

  /** The task's measure on images to test, and on shifts of them. */
  Tested tested(OpenModel model) throws IOException;

  /** The task's measure, in words. */
  String measure();

  /** What the shifted images are, in words. */
  String shifts();

  /** As {@link #shifts}, by the names of sets of one's own. */
  static String shifts(Map<String, ?> own) {
    return own.isEmpty()
        ? "the test images spoilt in six ways at five severities"
        : "the shifted sets " + String.join(", ", own.keySet());
  }
}
