package org.clip4j.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HubIdTest {

  /** What huggingface_hub 1.33's validate_repo_id accepts. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "openai/clip-vit-base-patch32",
        "laion/CLIP-ViT-B-32-laion2B-s34B-b79K",
        "gpt2",
        "123",
        "_a_/_b_",
        "Foo-BAR_foo.bar123",
        "a/b.git2",
        "123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456/"
            + "123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456",
      })
  void names_of_the_hub_are_taken(String repo) {
    assertThat(HubId.parse(repo)).isEqualTo(new HubId(repo, "main"));
    assertThat(HubId.parse(repo)).hasToString(repo);
    assertThat(HubId.parse(repo + "@v1.0")).isEqualTo(new HubId(repo, "v1.0"));
    assertThat(HubId.parse(repo + "@v1.0")).hasToString(repo + "@v1.0");
  }

  /** What validate_repo_id refuses. */
  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      value = {
        "datasets/foo/bar, more than one slash",
        "/a/b, more than one slash",
        ".repo_id, 1 to 96",
        "foo--bar, neither -- nor ..",
        "other..repo..id, neither -- nor ..",
        "../b, neither -- nor ..",
        "foo.git, .git",
        "org/foo.git, .git",
        "``, 1 to 96",
        "/, 1 to 96",
        "a/, 1 to 96",
        "/a, 1 to 96",
        "-a/b, 1 to 96",
        "a-/b, 1 to 96",
        "a/b-, 1 to 96",
        "a/b., 1 to 96",
        "a/., 1 to 96",
        "a b/c, 1 to 96",
        "a\\b, 1 to 96",
        "C:\\models, 1 to 96",
        "café/x, 1 to 96",
        "org/文件, 1 to 96",
        "org/model:v1, 1 to 96",
      })
  void other_names_are_refused_with_a_reason(String repo, String reason) {
    assertThatThrownBy(() -> HubId.parse(repo))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("\"" + repo + "\"")
        .hasMessageContaining(reason);
  }

  @Test
  void a_part_has_at_most_96_characters() {
    assertThatThrownBy(() -> HubId.parse("a/" + "b".repeat(97)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("1 to 96");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"main", "v1.0", "refs/pr/1", "feature/x-y_z", "größer", "7", "a@b", "x.y+z=1"})
  void revisions_are_what_git_takes(String revision) {
    assertThat(HubId.parse("a/b@" + revision).revision()).isEqualTo(revision);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "..",
        "a/../b",
        "../x",
        "/a",
        "a/",
        "a//b",
        ".",
        "a b",
        "a~1",
        "a^",
        "a:b",
        "a?b",
        "a*",
        "a[",
        "a\\b",
        "a\nb",
        "a\u0000",
        "x@{1}",
        "a.lock",
        "a..b",
        "\uff0e\uff0e",
        "C:",
        "\uff0fetc",
      })
  void other_revisions_are_refused(String revision) {
    assertThatThrownBy(() -> HubId.parse("a/b@" + revision))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("not a revision: ")
        .hasMessageNotContainingAny("\n", "\u0000");
  }

  @Test
  void only_a_whole_hash_is_a_commit() {
    assertThat(HubId.parse("a/b@" + "0a".repeat(20)).isCommit()).isTrue();
    assertThat(HubId.parse("a/b@" + "0A".repeat(20)).isCommit()).isFalse();
    assertThat(HubId.parse("a/b@0a0a0a0").isCommit()).isFalse();
  }
}
