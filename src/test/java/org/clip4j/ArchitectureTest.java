package org.clip4j;

import static com.tngtech.archunit.core.domain.JavaCall.Predicates.target;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.type;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.name;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameMatching;
import static com.tngtech.archunit.core.domain.properties.HasOwner.Predicates.With.owner;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDManager;
import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
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
          "org.clip4j.djl",
          "org.clip4j.engine",
          "org.clip4j.eval",
          "org.clip4j.hub",
          "org.clip4j.image",
          "org.clip4j.io",
          "org.clip4j.langchain4j",
          "org.clip4j.loss",
          "org.clip4j.model",
          "org.clip4j.search",
          "org.clip4j.springai",
          "org.clip4j.text",
          "org.clip4j.train",
          "org.clip4j.weights");

  @Test
  void every_package_is_known_to_these_rules() {
    assertThat(CLASSES.stream().map(JavaClass::getPackageName).collect(Collectors.toSet()))
        .isEqualTo(PACKAGES);
    assertThat(CLASSES.size()).isGreaterThan(50);
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
    layeredArchitecture()
        .consideringOnlyDependenciesInLayers()
        .layer("djl")
        .definedBy("org.clip4j.djl..")
        .layer("langchain4j")
        .definedBy("org.clip4j.langchain4j..")
        .layer("springai")
        .definedBy("org.clip4j.springai..")
        .layer("root")
        .definedBy("org.clip4j")
        .layer("train")
        .definedBy("org.clip4j.train..")
        .layer("eval")
        .definedBy("org.clip4j.eval..")
        .layer("search")
        .definedBy("org.clip4j.search..")
        .layer("hub")
        .definedBy("org.clip4j.hub..")
        .layer("weights")
        .definedBy("org.clip4j.weights..")
        .layer("data")
        .definedBy("org.clip4j.data..")
        .layer("model")
        .definedBy("org.clip4j.model..")
        .layer("loss")
        .definedBy("org.clip4j.loss..")
        .layer("text")
        .definedBy("org.clip4j.text..")
        .layer("image")
        .definedBy("org.clip4j.image..")
        .layer("engine")
        .definedBy("org.clip4j.engine..")
        .layer("io")
        .definedBy("org.clip4j.io..")
        .whereLayer("djl")
        .mayNotBeAccessedByAnyLayer()
        .whereLayer("djl")
        .mayOnlyAccessLayers("root", "hub", "data", "image", "engine", "io")
        .whereLayer("langchain4j")
        .mayNotBeAccessedByAnyLayer()
        .whereLayer("langchain4j")
        .mayOnlyAccessLayers("root", "search", "io")
        .whereLayer("springai")
        .mayNotBeAccessedByAnyLayer()
        .whereLayer("springai")
        .mayOnlyAccessLayers("root", "engine")
        .whereLayer("root")
        .mayOnlyBeAccessedByLayers("djl", "langchain4j", "springai")
        .whereLayer("train")
        .mayOnlyBeAccessedByLayers("root")
        .whereLayer("eval")
        .mayOnlyBeAccessedByLayers("root", "train")
        .whereLayer("search")
        .mayOnlyBeAccessedByLayers("root", "eval", "langchain4j")
        .whereLayer("search")
        .mayOnlyAccessLayers("io")
        .whereLayer("hub")
        .mayOnlyBeAccessedByLayers("djl", "root", "train")
        .whereLayer("hub")
        .mayOnlyAccessLayers("io")
        .whereLayer("weights")
        .mayOnlyBeAccessedByLayers("root", "train", "eval")
        .whereLayer("data")
        .mayOnlyBeAccessedByLayers("djl", "root", "train", "eval")
        .whereLayer("model")
        .mayOnlyBeAccessedByLayers("root", "train", "eval", "weights")
        .whereLayer("loss")
        .mayOnlyBeAccessedByLayers("root", "train", "eval")
        .whereLayer("text")
        .mayOnlyBeAccessedByLayers("root", "train", "eval", "weights", "data")
        .whereLayer("image")
        .mayOnlyBeAccessedByLayers("djl", "root", "train", "eval", "weights", "data")
        .whereLayer("io")
        .mayNotAccessAnyLayer()
        .check(CLASSES);
  }

  @Test
  void only_engine_touches_the_pytorch_engine() {
    noClasses()
        .that()
        .resideOutsideOfPackage("org.clip4j.engine")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("ai.djl.pytorch..")
        .check(CLASSES);
  }

  @Test
  void one_class_loads_the_native_library() {
    noClasses()
        .that()
        .doNotHaveFullyQualifiedName("org.clip4j.engine.Libtorch")
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
  void tensors_stay_below_the_front_door() {
    noClasses()
        .that()
        .resideInAnyPackage(
            "org.clip4j.text", "org.clip4j.image", "org.clip4j.data", "org.clip4j.weights")
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
