package org.clip4j.djl;

import ai.djl.ndarray.NDList;
import ai.djl.translate.Translator;
import ai.djl.translate.TranslatorContext;
import java.util.ArrayList;
import java.util.List;

/**
 * A translator that lets {@link org.clip4j.Clip} do the work. DJL hands tensors from preprocessing
 * to the model and on to postprocessing; here inputs wait in the context instead, no tensor is
 * handed over, and the whole batch is predicted at the end.
 *
 * @param <I> what is given to a predictor
 * @param <P> what preprocessing makes of it
 * @param <O> what a predictor gives
 */
abstract class ClipTranslator<I, P, O> implements Translator<I, O> {
  private static final String INPUTS = "org.clip4j.inputs";

  /** Reads an input. */
  abstract P read(I input) throws Exception;

  /** Predicts a batch, one output for each input. */
  abstract List<O> predict(LoadedClip model, List<P> inputs);

  @Override
  public final void prepare(TranslatorContext ctx) {
    LoadedClip.of(ctx.getModel());
  }

  @Override
  public final NDList batchProcessInput(TranslatorContext ctx, List<I> inputs) throws Exception {
    List<P> read = new ArrayList<>(inputs.size());
    for (I input : inputs) {
      if (input == null) {
        throw new IllegalArgumentException("input " + read.size() + " is null");
      }
      read.add(read(input));
    }
    ctx.setAttachment(INPUTS, read);
    return new NDList();
  }

  @Override
  @SuppressWarnings("unchecked") // what batchProcessInput left there
  public final List<O> batchProcessOutput(TranslatorContext ctx, NDList list) {
    List<P> inputs = (List<P>) ctx.getAttachment(INPUTS);
    return inputs.isEmpty() ? List.of() : predict(LoadedClip.of(ctx.getModel()), inputs);
  }

  @Override
  public final NDList processInput(TranslatorContext ctx, I input) throws Exception {
    return batchProcessInput(ctx, List.of(input));
  }

  @Override
  public final O processOutput(TranslatorContext ctx, NDList list) {
    return batchProcessOutput(ctx, list).get(0);
  }
}
