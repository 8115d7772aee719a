package org.clip4j.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.clip4j.Devices;
import org.clip4j.examples.options.Range;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.ArgGroupSpec;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** What a user of the command line reads names the command line's options. */
class OptionsTest {
  private static final Pattern BUILDER_METHOD = Pattern.compile("\\b(opt|set)[A-Z]\\w+");

  @TempDir Path folder;

  /** Each command that computes, with its subcommands. */
  private static Stream<CommandLine> commands() {
    return Stream.of(
            new Quickstart(),
            new Train(),
            new ZeroShot(),
            new Embed(),
            new Search(),
            new Evaluate(),
            new LinearProbe(),
            new Convert(),
            new Average(),
            new FineTune(),
            new Quantize(),
            new Explain(),
            new Segment(),
            new Benchmark())
        .map(CommandLine::new)
        .flatMap(OptionsTest::withSubcommands);
  }

  private static Stream<CommandLine> withSubcommands(CommandLine command) {
    return Stream.concat(
        Stream.of(command),
        command.getSubcommands().values().stream()
            .filter(each -> each.getCommandSpec().userObject() != command)
            .flatMap(OptionsTest::withSubcommands));
  }

  private static Stream<OptionSpec> numbers(CommandLine command) {
    return command.getCommandSpec().options().stream()
        .filter(option -> !option.longestName().endsWith("seed")) // any number is one
        .filter(
            option -> {
              Class<?> type =
                  option.isMultiValue() && option.typeInfo().isMap()
                      ? option.auxiliaryTypes()[1]
                      : option.auxiliaryTypes()[0];
              return type.isPrimitive() && type != boolean.class
                  || Number.class.isAssignableFrom(type);
            });
  }

  static Stream<Arguments> numberOptions() {
    return commands()
        .flatMap(
            command ->
                numbers(command)
                    .map(
                        option ->
                            arguments(command.getCommandName(), option.longestName(), option)));
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("numberOptions")
  void every_number_has_a_range_and_what_is_outside_names_the_option(
      String command, String name, OptionSpec option) throws Exception {
    Range range = Range.Check.of(option);
    assertThat(range).as("the range of " + name).isNotNull();
    boolean low = Double.isFinite(range.min()) || Double.isFinite(range.above());
    String wrong = low ? "-2147483000" : "2147483000";
    List<String> arguments = new ArrayList<>(List.of(name + "=" + key(option) + wrong));
    for (ArgSpec each : option.command().args()) {
      if (each.required() && each != option) {
        if (each instanceof OptionSpec required && first(required)) {
          arguments.add(required.longestName() + "=" + valid(required));
        } else if (each instanceof PositionalParamSpec) {
          arguments.add("some");
        }
      }
    }
    CommandLine line = new CommandLine(fresh(option));
    StringWriter said = new StringWriter();
    int status = Examples.execute(line.setErr(new PrintWriter(said)), arguments);
    assertThat(status).as(said.toString()).isEqualTo(2);
    assertThat(said.toString())
        .contains(name + " must be ")
        .contains(String.valueOf(wrong.substring(0, 4)))
        .doesNotContainPattern(BUILDER_METHOD);
  }

  /** What stands before the number where an option takes KEY=NUMBER. */
  private static String key(OptionSpec option) {
    return option.typeInfo().isMap() ? option.auxiliaryTypes()[0].getEnumConstants()[0] + "=" : "";
  }

  /** Of options that exclude each other one is given. */
  private static boolean first(OptionSpec option) {
    for (ArgGroupSpec group = option.group(); group != null; group = group.parentGroup()) {
      if (group.exclusive() && group.args().iterator().next() != option) {
        return false;
      }
    }
    return true;
  }

  private static String valid(OptionSpec option) {
    Class<?> type = option.auxiliaryTypes()[0];
    return type.isEnum() ? type.getEnumConstants()[0].toString() : "some";
  }

  private static Object fresh(OptionSpec option) throws Exception {
    var constructor = option.command().userObject().getClass().getDeclaredConstructor();
    constructor.setAccessible(true);
    return constructor.newInstance();
  }

  @Test
  void every_command_that_computes_takes_a_device() {
    List<String> without =
        commands()
            .filter(command -> command.getSubcommands().isEmpty())
            .filter(command -> command.getCommandSpec().findOption("--device") == null)
            .map(CommandLine::getCommandName)
            .toList();
    // These measure arrays or write models; Convert and Quantize measure on the CPU what they
    // write.
    assertThat(without)
        .containsExactlyInAnyOrder(
            "search", "probe", "retrieval", "Convert", "between", "Quantize");
  }

  private String run(Callable<Integer> command, int status, String... arguments) {
    PrintStream before = System.err;
    ByteArrayOutputStream said = new ByteArrayOutputStream();
    System.setErr(new PrintStream(said, true, StandardCharsets.UTF_8));
    try {
      assertThat(Examples.run(command, arguments)).isEqualTo(status);
    } finally {
      System.setErr(before);
    }
    return said.toString(StandardCharsets.UTF_8);
  }

  @Test
  void a_device_that_is_not_there_is_one_line() {
    boolean cuda = Devices.available().size() > 1;
    String absent = cuda ? "gpu999" : "gpu0";
    String said = run(new Quickstart(), 1, "--device", absent, "--out", folder.toString());
    assertThat(said.lines())
        .singleElement()
        .asString()
        .startsWith(
            cuda
                ? "there is no device gpu(999); the CUDA devices here are gpu0 to "
                : "no CUDA device was found; libtorch here is built for the CPU");
    assertThat(run(new Quickstart(), 2, "--device", "potato"))
        .contains("Invalid value for option '--device': 'potato' is none of cpu, gpu0");
  }

  @Test
  void what_the_settings_of_a_training_lack_is_said_in_options() throws IOException {
    Path table = Files.writeString(folder.resolve("pairs.csv"), "file,caption\na.png,a\nb.png,b\n");
    String[] train = {"--data", table.toString(), "--out", folder.resolve("run").toString()};
    assertThat(run(new Train(), 1, with(train, "--best-by", "retrieval.text_to_image.r1")))
        .contains("--held-out or --classes")
        .doesNotContainPattern(BUILDER_METHOD);
    assertThat(run(new Train(), 1, with(train, "--patience", "2")))
        .contains("--patience needs the metric that is to improve, --best-by")
        .doesNotContainPattern(BUILDER_METHOD);
    Files.createDirectories(folder.resolve("run/checkpoints/step-000003"));
    assertThat(run(new Train(), 1, train))
        .contains("up to step 3; go on with --resume, or use another folder for --out")
        .doesNotContainPattern(BUILDER_METHOD);
  }

  @Test
  void an_option_that_takes_a_rule_and_a_number_names_itself_in_its_errors() {
    String[] image = {"--model", "m", "--labels", "a,b", "i.png"};
    assertThat(run(new ZeroShot(), 2, with(image, "--unknown", "margin=2")))
        .startsWith("--unknown must be at least 0 and at most 1, found 2");
    assertThat(run(new ZeroShot(), 2, with(image, "--unknown", "colour=0.5")))
        .contains("'--unknown'");
    assertThat(run(new ZeroShot(), 2, with(image, "--unknown", "margin=x")))
        .contains("'--unknown'");
    assertThat(run(new ZeroShot(), 1, with(image, "--background", "red")))
        .startsWith("--background takes six hexadecimal digits RRGGBB");
  }

  private static String[] with(String[] arguments, String... more) {
    return Stream.concat(Stream.of(arguments), Stream.of(more)).toArray(String[]::new);
  }
}
