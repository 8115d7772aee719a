package org.clip4j;

import static com.tngtech.archunit.core.domain.JavaCall.Predicates.target;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.type;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.name;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameMatching;
import static com.tngtech.archunit.core.domain.properties.HasOwner.Predicates.With.owner;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.methods;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDManager;
import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaMember;
import com.tngtech.archunit.core.domain.JavaMethod;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.domain.properties.HasType;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import com.tngtech.archunit.library.Architectures.LayeredArchitecture;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;

/** The rules of the house, see docs/decisions.md: packages depend downwards only. */
class ArchitectureTest {
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("org.clip4j");

  private static final Set<String> PACKAGES =
      Set.of(
          "org.clip4j",
          "org.clip4j.data",
          "org.clip4j.data.internal",
          "org.clip4j.data.internal.loader",
          "org.clip4j.data.internal.shards",
          "org.clip4j.data.shapes",
          "org.clip4j.djl",
          "org.clip4j.encode",
          "org.clip4j.engine",
          "org.clip4j.engine.internal",
          "org.clip4j.eval",
          "org.clip4j.explain",
          "org.clip4j.figure",
          "org.clip4j.eval.internal",
          "org.clip4j.eval.probe",
          "org.clip4j.hub",
          "org.clip4j.image",
          "org.clip4j.image.internal",
          "org.clip4j.image.internal.jpeg",
          "org.clip4j.image.internal.webp",
          "org.clip4j.io",
          "org.clip4j.langchain4j",
          "org.clip4j.loss",
          "org.clip4j.model",
          "org.clip4j.quantize",
          "org.clip4j.search",
          "org.clip4j.search.internal",
          "org.clip4j.search.lucene",
          "org.clip4j.segment",
          "org.clip4j.spark",
          "org.clip4j.springai",
          "org.clip4j.text",
          "org.clip4j.text.internal",
          "org.clip4j.text.json",
          "org.clip4j.text.internal.repair",
          "org.clip4j.train",
          "org.clip4j.train.internal",
          "org.clip4j.train.internal.checkpoint",
          "org.clip4j.train.internal.monitor",
          "org.clip4j.train.internal.plan",
          "org.clip4j.train.internal.step",
          "org.clip4j.train.monitor",
          "org.clip4j.train.options",
          "org.clip4j.train.workers",
          "org.clip4j.weights",
          "org.clip4j.weights.internal",
          "org.clip4j.weights.pytorch",
          "org.clip4j.weights.safetensors",
          "org.clip4j.weights.tensors");

  /** Packages that are public for their neighbours in the library, and no part of the API. */
  private static final String[] INTERNAL = {"org.clip4j..internal..", "org.clip4j.io"};

  /** How many classes there are, nested ones included, so that no rule holds for want of them. */
  private static final int CLASS_COUNT = 960;

  @Test
  void every_package_is_known_to_these_rules() {
    assertThat(CLASSES.stream().map(JavaClass::getPackageName).collect(Collectors.toSet()))
        .isEqualTo(PACKAGES);
    assertThat(CLASSES.size()).isCloseTo(CLASS_COUNT, withinPercentage(10));
  }

  @Test
  void every_package_says_where_null_is_allowed() {
    assertThat(PACKAGES)
        .allSatisfy(
            name ->
                assertThat(CLASSES.getPackage(name).isAnnotatedWith(NullMarked.class))
                    .as("@NullMarked in package-info.java of " + name)
                    .isTrue());
  }

  @Test
  void packages_depend_downwards_only() {
    Map<String, Set<String>> below = new LinkedHashMap<>();
    below.put("figure", Set.of());
    below.put("io", Set.of());
    below.put("engine", Set.of("io"));
    below.put("image", Set.of("io"));
    below.put("text", Set.of("io"));
    below.put("loss", Set.of("engine", "io"));
    below.put("model", Set.of("engine", "io"));
    below.put("encode", Set.of("image", "text", "loss", "model", "engine", "io"));
    below.put("weights", Set.of("image", "text", "model", "engine", "io"));
    below.put("data", Set.of("encode", "image", "text", "io"));
    below.put("hub", Set.of("io"));
    below.put("search", Set.of("io"));
    below.put("quantize", Set.of("weights", "encode", "model", "text", "image", "engine", "io"));
    below.put("eval", Set.of("data", "weights", "encode", "image", "engine", "io"));
    below.put(
        "train",
        Set.of(
            "eval", "search", "data", "weights", "encode", "loss", "model", "text", "image",
            "engine", "figure", "io"));
    below.put("explain", Set.of("encode", "loss", "model", "text", "image", "engine", "io"));
    below.put(
        "root",
        Set.of("explain", "hub", "weights", "encode", "model", "text", "image", "engine", "io"));
    below.put(
        "segment",
        Set.of("root", "hub", "weights", "encode", "model", "text", "image", "engine", "io"));
    below.put("djl", Set.of("root", "hub", "encode", "image", "engine", "io"));
    below.put("langchain4j", Set.of("root", "search", "io"));
    below.put(
        "spark",
        Set.of(
            "root", "train", "eval", "search", "data", "encode", "weights", "loss", "model",
            "image", "text", "engine", "io"));
    below.put("springai", Set.of("root", "engine"));
    LayeredArchitecture layers = layeredArchitecture().consideringOnlyDependenciesInLayers();
    for (String name : below.keySet()) {
      layers =
          layers
              .layer(name)
              .definedBy(name.equals("root") ? "org.clip4j" : "org.clip4j." + name + "..");
    }
    for (Map.Entry<String, Set<String>> layer : below.entrySet()) {
      String[] allowed = layer.getValue().toArray(new String[0]);
      layers =
          allowed.length == 0
              ? layers.whereLayer(layer.getKey()).mayNotAccessAnyLayer()
              : layers.whereLayer(layer.getKey()).mayOnlyAccessLayers(allowed);
    }
    layers.check(CLASSES);
  }

  @Test
  void packages_are_free_of_cycles() {
    slices().matching("org.clip4j.(**)").should().beFreeOfCycles().check(CLASSES);
  }

  @Test
  void what_users_see_names_nothing_internal() {
    classes()
        .that()
        .arePublic()
        .and()
        .resideOutsideOfPackages(INTERNAL)
        .should(nameNothingInternal())
        .check(CLASSES);
  }

  private static ArchCondition<JavaClass> nameNothingInternal() {
    DescribedPredicate<JavaClass> internal = resideInAnyPackage(INTERNAL);
    return new ArchCondition<>("name nothing internal in public signatures") {
      @Override
      public void check(JavaClass type, ConditionEvents events) {
        Stream<JavaClass> supertypes =
            Stream.concat(type.getRawInterfaces().stream(), type.getRawSuperclass().stream());
        Stream<JavaClass> fields =
            type.getFields().stream().filter(ArchitectureTest::isVisible).map(HasType::getRawType);
        Stream<JavaClass> signatures =
            type.getCodeUnits().stream()
                .filter(ArchitectureTest::isVisible)
                .flatMap(
                    unit ->
                        Stream.concat(
                            Stream.of(unit.getRawReturnType()),
                            unit.getRawParameterTypes().stream()));
        Stream.of(supertypes, fields, signatures)
            .flatMap(found -> found)
            .map(JavaClass::getBaseComponentType)
            .filter(internal)
            .distinct()
            .forEach(
                found ->
                    events.add(
                        SimpleConditionEvent.violated(
                            type, type.getName() + " names " + found.getName())));
      }
    };
  }

  @Test
  void what_users_see_as_a_record_gives_copies_of_its_arrays() {
    DescribedPredicate<JavaMethod> component =
        DescribedPredicate.describe(
            "components of records that are arrays",
            method ->
                method.getOwner().isRecord()
                    && method.getRawReturnType().isArray()
                    && method.getOwner().tryGetField(method.getName()).isPresent());
    methods()
        .that(component)
        .and()
        .areDeclaredInClassesThat()
        .arePublic()
        .and()
        .areDeclaredInClassesThat()
        .resideOutsideOfPackages(INTERNAL)
        .should(
            ArchCondition.from(
                DescribedPredicate.<JavaMethod>describe(
                    "copy the array",
                    method ->
                        method.getCallsFromSelf().stream()
                            .anyMatch(call -> Set.of("clone", "copy").contains(call.getName())))))
        .check(CLASSES);
  }

  private static boolean isVisible(JavaMember member) {
    return member.getModifiers().contains(JavaModifier.PUBLIC)
        || member.getModifiers().contains(JavaModifier.PROTECTED);
  }

  @Test
  void only_engine_touches_the_pytorch_engine() {
    noClasses()
        .that()
        .resideOutsideOfPackage("org.clip4j.engine.internal")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("ai.djl.pytorch..")
        .check(CLASSES);
  }

  @Test
  void one_class_loads_the_native_library() {
    noClasses()
        .that()
        .doNotHaveFullyQualifiedName("org.clip4j.engine.internal.Libtorch")
        .should()
        .callMethodWhere(
            target(owner(type(Engine.class))).and(target(nameMatching("getEngine|getInstance"))))
        .orShould()
        .callMethodWhere(target(owner(type(NDManager.class))).and(target(name("newBaseManager"))))
        .orShould()
        .callMethod(Device.class, "fromName", String.class)
        .check(CLASSES);
  }

  @Test
  void only_its_adapter_touches_a_framework() {
    noClasses()
        .that()
        .resideOutsideOfPackage("org.clip4j.langchain4j")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("dev.langchain4j..")
        .check(CLASSES);
    noClasses()
        .that()
        .resideOutsideOfPackage("org.clip4j.springai")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("org.springframework..", "io.micrometer..")
        .check(CLASSES);
  }

  @Test
  void only_its_adapter_touches_spark() {
    noClasses()
        .that()
        .resideOutsideOfPackage("org.clip4j.spark")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "org.apache.spark..", "org.apache.hadoop..", "scala..", "com.esotericsoftware..")
        .check(CLASSES);
  }

  @Test
  void tensors_stay_below_the_front_door() {
    noClasses()
        .that()
        .resideInAnyPackage(
            "org.clip4j.text..", "org.clip4j.image..", "org.clip4j.data..", "org.clip4j.weights..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("ai.djl.ndarray..")
        .check(CLASSES);
  }

  @Test
  void downloads_know_nothing_of_models() {
    noClasses()
        .that()
        .resideInAPackage("org.clip4j.hub")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("ai.djl..")
        .check(CLASSES);
  }

  @Test
  void nothing_is_printed() {
    noClasses()
        .should()
        .accessField(System.class, "out")
        .orShould()
        .accessField(System.class, "err")
        .check(CLASSES);
  }

  /** The JDK's messages about files are often a path, or null. */
  @Test
  void reasons_are_told_in_words() {
    noClasses()
        .that()
        .resideOutsideOfPackage("org.clip4j.io")
        .should()
        .callMethodWhere(
            DescribedPredicate.describe(
                "Throwable's getMessage or toString",
                call ->
                    call.getTargetOwner().isAssignableTo(Throwable.class)
                        && List.of("getMessage", "getLocalizedMessage", "toString")
                            .contains(call.getName())))
        .because("a user would read a bare path; IoErrors.message says what happened")
        .check(CLASSES);
  }
}
