package org.clip4j.model;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.clip4j.engine.internal.LinearLayout.Operation;
import org.clip4j.model.LoraOptions.Target;
import org.clip4j.model.ParameterSpec.Init;
import org.jspecify.annotations.Nullable;

/**
 * What the residual attention blocks of one tower share, with the declaration of their parameters.
 *
 * @param width D
 * @param mlpWidth hidden width of the MLP
 * @param heads H
 * @param activation of the MLP
 * @param lsInitValue initial value of LayerScale, or null for none
 * @param causal whether a token sees only itself and the ones before it
 * @param picksFirst whether {@link ResidualAttentionBlock#forwardAt} always takes the first row
 * @param normEpsilon of every LayerNorm
 * @param published a publisher's beginnings of names, see {@link Parameters}
 * @param starts initial values
 * @param form in which its parts follow one another
 * @param inputs of attention
 * @param rotary whether queries and keys are turned by positions; a class token, which alone is
 *     picked then, has no position
 * @param masked whether functions take besides which keys a query sees, as booleans that expand to
 *     [N, H, L, L], in place of what {@code causal} says; the first row is picked then
 * @param relative what is added to the products of queries and keys; null for nothing, as a class
 *     token gets, which alone is picked then
 */
record AttentionKind(
    int width,
    int mlpWidth,
    int heads,
    Activation activation,
    Double lsInitValue,
    boolean causal,
    boolean picksFirst,
    double normEpsilon,
    Map<String, String> published,
    BlockStarts starts,
    BlockForm form,
    Inputs inputs,
    boolean rotary,
    boolean masked,
    @Nullable RelativePositions relative)
    implements BlockKind {

  /** timm's beginnings of the names. */
  static final Map<String, String> TIMM =
      Map.of(
          "ln_1.", "norm1.",
          "attn.in_proj_", "attn.qkv.",
          "attn.out_proj.", "attn.proj.",
          "ln_2.", "norm2.",
          "mlp.c_fc.", "mlp.fc1.",
          "mlp.c_proj.", "mlp.fc2.",
          "ls_", "ls",
          "attn.query", "attn.q",
          "attn.key", "attn.k",
          "attn.value", "attn.v");

  /** Queries, keys and values of a block are one product; the last block has few queries. */
  private static final Set<String> OF_LAST_BLOCK = Set.of("attn.q_", "attn.kv_");

  private static final Set<String> OF_OTHER_BLOCKS = Set.of("attn.in_proj_");

  /** What the maps to queries, keys and values are in checkpoints. */
  enum Inputs {
    /** One map. */
    JOINED,
    /** One weight without a bias. */
    NO_BIAS,
    /** One weight, with a bias for queries and one for values. */
    NO_KEY_BIAS,
    /** Three maps, that of keys without a bias. */
    SEPARATE
  }

  static AttentionKind of(TextTransformerConfig config, boolean quickGelu) {
    return new AttentionKind(
        config.width(),
        config.mlpWidth(),
        config.heads(),
        Activation.of(config.tanhGelu(), quickGelu),
        config.lsInitValue(),
        config.causal(),
        config.embedCls(),
        config.normEpsilon(),
        Map.of(),
        BlockStarts.openAi(config.width(), config.mlpWidth(), config.layers()),
        BlockForm.PRE_NORM,
        Inputs.JOINED,
        false,
        config.embedCls(),
        null);
  }

  static AttentionKind of(
      VisionTransformerConfig config,
      Activation activation,
      Map<String, String> published,
      BlockStarts starts) {
    return new AttentionKind(
        config.width(),
        config.mlpWidth(),
        config.heads(),
        activation,
        config.lsInitValue(),
        false,
        true,
        config.normEpsilon(),
        published,
        starts,
        BlockForm.PRE_NORM,
        Inputs.JOINED,
        false,
        false,
        null);
  }

  /** Gives the same in another form. */
  AttentionKind in(BlockForm otherForm, Inputs otherInputs, boolean otherRotary) {
    return with(starts, otherForm, otherInputs, otherRotary, masked, relative);
  }

  /** Gives the same with relative positions. */
  AttentionKind biasedBy(RelativePositions positions) {
    return with(starts, form, inputs, rotary, masked, positions);
  }

  /** Gives the same where functions take besides which keys a query sees. */
  AttentionKind whereMasked() {
    return with(starts, form, inputs, rotary, true, relative);
  }

  /** Gives the same with other initial values. */
  AttentionKind from(BlockStarts otherStarts) {
    return with(otherStarts, form, inputs, rotary, masked, relative);
  }

  private AttentionKind with(
      BlockStarts otherStarts,
      BlockForm otherForm,
      Inputs otherInputs,
      boolean otherRotary,
      boolean otherMasked,
      @Nullable RelativePositions otherRelative) {
    return new AttentionKind(
        width,
        mlpWidth,
        heads,
        activation,
        lsInitValue,
        causal,
        picksFirst,
        normEpsilon,
        published,
        otherStarts,
        otherForm,
        otherInputs,
        otherRotary,
        otherMasked,
        otherRelative);
  }

  @Override
  public Parameters parameters() {
    Parameters all = new Parameters(published);
    if (form == BlockForm.RES_POST_NORM) {
      addAttention(all);
      all.norm("ln_1", width);
      addMlp(all);
      all.norm("ln_2", width);
    } else {
      all.norm("ln_1", width);
      addAttention(all);
      all.layerScale("ls_1", lsInitValue, width).norm("ln_2", width);
      addMlp(all);
      all.layerScale("ls_2", lsInitValue, width);
    }
    return laid(all);
  }

  private void addAttention(Parameters all) {
    Init weight = starts.inProj();
    Init zero = Init.constant(0);
    switch (inputs) {
      case JOINED ->
          all.add("attn.in_proj_weight", weight, 3 * width, width)
              .add("attn.in_proj_bias", zero, 3 * width);
      case NO_BIAS ->
          all.add("attn.in_proj_weight", weight, 3 * width, width).unbiased("attn.in_proj_");
      case NO_KEY_BIAS ->
          all.add("attn.query_bias", zero, width)
              .add("attn.value_bias", zero, width)
              .add("attn.in_proj_weight", weight, 3 * width, width)
              .join("attn.in_proj_bias", "attn.query_bias", "", "attn.value_bias");
      case SEPARATE ->
          all.linear("attn.query_proj", weight, zero, width, width)
              .add("attn.key_proj.weight", weight, width, width)
              .linear("attn.value_proj", weight, zero, width, width)
              .join(
                  "attn.in_proj_weight",
                  "attn.query_proj.weight",
                  "attn.key_proj.weight",
                  "attn.value_proj.weight")
              .join("attn.in_proj_bias", "attn.query_proj.bias", "", "attn.value_proj.bias");
    }
    if (form == BlockForm.SUB_NORM) {
      all.norm("attn.norm", width);
    }
    if (relative != null) {
      relative.addTo(all, heads);
    }
    all.linear("attn.out_proj", starts.outProj(), starts.outBias(), width, width);
  }

  private void addMlp(Parameters all) {
    if (form == BlockForm.GATED) {
      all.norm("mlp.norm", width);
    }
    if (form.isGated()) {
      all.linear("mlp.fc1_g", starts.fc(), starts.fcBias(), mlpWidth, width)
          .linear("mlp.fc1_x", starts.fc(), starts.fcBias(), mlpWidth, width);
    } else {
      all.linear("mlp.c_fc", starts.fc(), starts.fcBias(), mlpWidth, width);
    }
    if (form == BlockForm.SUB_NORM) {
      all.norm("mlp.norm", mlpWidth);
    }
    all.linear("mlp.c_proj", starts.proj(), starts.projBias(), width, mlpWidth);
  }

  private Parameters laid(Parameters all) {
    all.lay("attn.in_proj_", Operation.PRODUCT);
    switch (form) {
      case PRE_NORM ->
          all.lay("attn.out_proj.", Operation.SUM, false, "ls_1.gamma")
              .lay("mlp.c_fc.", Operation.ACTIVATION)
              .lay("mlp.c_proj.", Operation.SUM, true, "ls_2.gamma")
              .follow("ln_1", "attn.in_proj_", "attn.kv_", "attn.q_")
              .follow("ln_2", "mlp.c_fc.");
      case SUB_NORM ->
          all.lay("attn.out_proj.", Operation.SUM)
              .lay("mlp.fc1_g.", Operation.ACTIVATION)
              .lay("mlp.fc1_x.", Operation.PRODUCT)
              .lay("mlp.c_proj.", Operation.SUM)
              .follow("ln_1", "attn.in_proj_", "attn.kv_", "attn.q_")
              .follow("attn.norm", "attn.out_proj.")
              .follow("ln_2", "mlp.fc1_g.", "mlp.fc1_x.")
              .follow("mlp.norm", "mlp.c_proj.");
      case GATED ->
          all.lay("attn.out_proj.", Operation.SUM)
              .lay("mlp.fc1_g.", Operation.ACTIVATION)
              .lay("mlp.fc1_x.", Operation.PRODUCT)
              .lay("mlp.c_proj.", Operation.SUM)
              .follow("ln_1", "attn.in_proj_", "attn.kv_", "attn.q_")
              .follow("mlp.norm", "mlp.fc1_g.", "mlp.fc1_x.");
      case RES_POST_NORM ->
          all.lay("attn.out_proj.", Operation.PRODUCT)
              .lay("mlp.c_fc.", Operation.ACTIVATION)
              .lay("mlp.c_proj.", Operation.PRODUCT, true, "");
    }
    return all.layRows("attn.kv_", "attn.in_proj_", width, 3 * width)
        .layRows("attn.q_", "attn.in_proj_", 0, width);
  }

  /**
   * A block's maps in the order in which kernels number them; those of one input are neighbours.
   */
  @Override
  public List<LoraPlace> places(Parameters declared, String prefix) {
    int hidden = mlpWidth;
    boolean separate = inputs == Inputs.SEPARATE;
    String query = separate ? "attn.query_proj." : "attn.in_proj_";
    String key = separate ? "attn.key_proj." : "attn.in_proj_";
    String value = separate ? "attn.value_proj." : "attn.in_proj_";
    record Map(Target target, String name, long from, long outputs, long inputs) {}
    Stream<Map> hiddenMaps =
        form.isGated()
            ? Stream.of("mlp.fc1_g.", "mlp.fc1_x.")
                .map(name -> new Map(Target.MLP_HIDDEN, name, 0, hidden, width))
            : Stream.of(new Map(Target.MLP_HIDDEN, "mlp.c_fc.", 0, hidden, width));
    return Stream.of(
            Stream.of(
                new Map(Target.QUERY, query, 0, width, width),
                new Map(Target.KEY, key, separate ? 0 : width, width, width),
                new Map(Target.VALUE, value, separate ? 0 : 2L * width, width, width),
                new Map(Target.ATTENTION_OUTPUT, "attn.out_proj.", 0, width, width)),
            hiddenMaps,
            Stream.of(new Map(Target.MLP_OUTPUT, "mlp.c_proj.", 0, width, hidden)))
        .flatMap(maps -> maps)
        .map(
            map ->
                new LoraPlace(
                    map.target,
                    prefix + declared.stored(map.name + "weight"),
                    map.from,
                    map.outputs,
                    map.inputs))
        .toList();
  }

  @Override
  public String source(TowerKernels.Use use) {
    return ResidualAttentionBlock.source(this, use);
  }

  @Override
  public boolean stacks() {
    return true;
  }

  @Override
  public Set<String> unprepared(boolean pooled) {
    return pooled ? OF_OTHER_BLOCKS : OF_LAST_BLOCK;
  }
}
