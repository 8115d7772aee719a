package org.clip4j;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.ModifiersTree;
import com.sun.source.tree.Tree;
import com.sun.source.util.DocTrees;
import com.sun.source.util.JavacTask;
import com.sun.source.util.TreePathScanner;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.lang.model.element.Modifier;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;

/**
 * The Javadoc that users read begins with a verb in the third person, as docs/CONTRIBUTING.md asks:
 * that of types, constructors and methods outside the packages {@code internal} and {@code io}.
 */
class JavadocTest {
  private static final Path SOURCES = Path.of("src/main/java/org/clip4j");
  private static final Pattern BEGINNING = Pattern.compile("([A-Z][a-z]+)[,:]? \\S");

  /** A verb that is missing here may be added; a noun or an adverb may not. */
  private static final Set<String> VERBS =
      Set.of(
          """
          Adds Appends Averages Begins Brings Builds Calibrates Calls Changes Checks Chooses \
          Classifies Cleans Closes Collects Commits Compares Compiles Composites Computes \
          Continues Copies Counts Cuts Decides Decodes Describes Divides Draws Embeds Encodes \
          Ends Evaluates Explains Fetches Finds Fits Folds Frees Freezes Gives Goes Holds \
          Interpolates Judges Keeps Lays Leaves Lets Lists Loads Looks Makes Matches Measures \
          Merges Mixes Names Notes Observes Offers Opens Passes Proves Quantizes Reads \
          Receives Refuses Releases Removes Replaces Reports Resizes Returns Runs Saves Says \
          Scales Scores Searches Sends Sets Shows Spoils Starts Subtracts Sums Takes Tells \
          Throws Trains Turns Waits Wraps Writes"""
              .split(" "));

  @Test
  void public_javadoc_begins_with_a_verb_in_the_third_person() throws IOException {
    List<String> comments = new ArrayList<>();
    List<String> wrong = new ArrayList<>();
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null)) {
      JavacTask task =
          (JavacTask)
              compiler.getTask(
                  null, files, null, null, null, files.getJavaFileObjectsFromPaths(sources()));
      DocTrees docs = DocTrees.instance(task);
      for (CompilationUnitTree unit : task.parse()) {
        new PublicMembers() {
          @Override
          void found(Tree member, String name, ModifiersTree modifiers) {
            String comment = docs.getDocComment(getCurrentPath());
            if (comment == null ? !overrides(modifiers) : !beginsWithVerb(comment.strip())) {
              wrong.add(unit.getSourceFile().getName() + " " + name + ": " + comment);
            }
            comments.add(name);
          }
        }.scan(unit, null);
      }
    }
    assertThat(comments).hasSizeGreaterThan(1000);
    assertThat(wrong).isEmpty();
  }

  private static List<Path> sources() throws IOException {
    try (Stream<Path> all = Files.walk(SOURCES)) {
      return all.filter(file -> file.toString().endsWith(".java"))
          .filter(file -> !file.startsWith(SOURCES.resolve("io")))
          .filter(file -> Stream.of(file.toString().split("\\W")).noneMatch("internal"::equals))
          .toList();
    }
  }

  private static boolean overrides(ModifiersTree modifiers) {
    return modifiers.getAnnotations().stream()
        .anyMatch(annotation -> annotation.getAnnotationType().toString().equals("Override"));
  }

  private static boolean beginsWithVerb(String comment) {
    Matcher beginning = BEGINNING.matcher(comment);
    return comment.startsWith("{@inheritDoc}")
        || beginning.lookingAt() && VERBS.contains(beginning.group(1));
  }

  /** Goes through the types, constructors and methods that users can see. */
  private abstract static class PublicMembers extends TreePathScanner<Void, Void> {
    abstract void found(Tree member, String name, ModifiersTree modifiers);

    @Override
    public Void visitClass(ClassTree type, Void nothing) {
      if (isVisible(type.getModifiers())) {
        found(type, type.getSimpleName().toString(), type.getModifiers());
        scan(type.getMembers(), nothing);
      }
      return null;
    }

    @Override
    public Void visitMethod(MethodTree method, Void nothing) {
      if (isVisible(method.getModifiers())) {
        String type = ((ClassTree) getCurrentPath().getParentPath().getLeaf()).getSimpleName() + "";
        found(method, type + "." + method.getName(), method.getModifiers());
      }
      return null;
    }

    private boolean isVisible(ModifiersTree modifiers) {
      Set<Modifier> flags = modifiers.getFlags();
      return flags.contains(Modifier.PUBLIC)
          || flags.contains(Modifier.PROTECTED)
          || getCurrentPath().getParentPath().getLeaf() instanceof ClassTree outer
              && outer.getKind() == Tree.Kind.INTERFACE
              && !flags.contains(Modifier.PRIVATE);
    }
  }
}
