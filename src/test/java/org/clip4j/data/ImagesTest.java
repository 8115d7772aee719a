package org.clip4j.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.clip4j.image.ImageDecoder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImagesTest {
  private static final ImageDecoder DECODER = ImageDecoder.defaults();

  @TempDir Path temp;

  private static List<String> files(ImageList images) {
    return IntStream.range(0, images.size()).mapToObj(i -> images.name(i).file()).toList();
  }

  @Test
  void a_folder_gives_its_images_in_order() throws IOException {
    Files.createDirectories(temp.resolve("b/.hidden"));
    Files.write(temp.resolve("b/2.png"), TestShards.png(2));
    Files.write(temp.resolve("b/.hidden/3.png"), TestShards.png(3));
    Files.write(temp.resolve("a.PNG"), TestShards.png(1));
    Files.writeString(temp.resolve("notes.txt"), "no image");
    ImageList images = Images.folder(temp, DECODER);
    assertThat(files(images)).containsExactly("a.PNG", "b/2.png");
    assertThat(images.get(1).read().pixels())
        .isEqualTo(DECODER.read(TestShards.png(2), "").pixels());
    assertThat(images.kind()).isEqualTo(ImageList.Kind.FOLDER);
    assertThatThrownBy(() -> Images.folder(temp.resolve("b/.hidden/none"), DECODER))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("none");
    Path empty = Files.createDirectory(temp.resolve("empty"));
    assertThatThrownBy(() -> Images.folder(empty, DECODER)).hasMessageContaining("no images");
  }

  @Test
  void a_list_or_table_names_files_beside_it() throws IOException {
    Files.write(temp.resolve("1.png"), TestShards.png(1));
    Path list = Files.writeString(temp.resolve("list.txt"), "\uFEFF1.png\r\n\n  missing.png \n");
    Path table = Files.writeString(temp.resolve("t.csv"), "file,n\n1.png,a\n\"x,y.png\",b\n");
    ImageList listed = Images.list(list, DECODER);
    assertThat(files(listed)).containsExactly("1.png", "missing.png");
    assertThat(listed.get(0).read().width()).isEqualTo(1);
    assertThatThrownBy(() -> listed.get(1).read()).hasMessageContaining("missing.png");
    assertThat(files(Images.table(table, "file", DECODER))).containsExactly("1.png", "x,y.png");
    assertThatThrownBy(() -> Images.table(table, "image", DECODER)).hasMessageContaining("\"n\"");
    assertThatThrownBy(() -> Images.list(temp.resolve("no"), DECODER)).hasMessageContaining("no");
    Path blank = Files.writeString(temp.resolve("blank.txt"), "\n");
    assertThatThrownBy(() -> Images.list(blank, DECODER)).hasMessageContaining("names no image");
    Path binary = Files.write(temp.resolve("binary"), new byte[] {(byte) 0xFF, 1});
    assertThatThrownBy(() -> Images.list(binary, DECODER)).hasMessageContaining("not UTF-8");
  }

  @Test
  void tars_give_the_images_in_them_and_their_damage() throws IOException {
    Map<String, byte[]> entries = new LinkedHashMap<>();
    entries.put("x/00.png", TestShards.png(0));
    entries.put("x/00.txt", TestShards.text("caption"));
    entries.put("x/._00.png", TestShards.text("a Mac's"));
    entries.put("01.jpg", TestShards.text("broken"));
    Files.write(temp.resolve("a-0.tar"), TestShards.tar(entries));
    byte[] whole = TestShards.tar(Map.of("02.png", TestShards.png(2)));
    byte[] damaged = Arrays.copyOf(whole, whole.length - 1024 + 100); // within the next header
    damaged[damaged.length - 1] = 1;
    Files.write(temp.resolve("a-1.tar"), damaged);
    ImageList images = Images.tars(temp.resolve("a-{0..1}.tar").toString(), DECODER);
    assertThat(IntStream.range(0, images.size()).mapToObj(images::name))
        .containsExactly(
            new ImageList.Name("a-0.tar", "x/00.png"),
            new ImageList.Name("a-0.tar", "01.jpg"),
            new ImageList.Name("a-1.tar", "02.png"),
            new ImageList.Name("a-1.tar", ""));
    assertThat(images.get(2).read().pixels())
        .isEqualTo(DECODER.read(TestShards.png(2), "").pixels());
    assertThat(images.find(new ImageList.Name("a-1.tar", "02.png")).orElseThrow().name())
        .endsWith("a-1.tar:02.png");
    assertThat(images.find(new ImageList.Name("a-1.tar", "none"))).isEmpty();
    assertThatThrownBy(() -> images.get(1).read()).hasMessageContaining("a-0.tar:01.jpg");
    assertThatThrownBy(() -> images.get(3).read())
        .hasMessageContaining("a-1.tar")
        .hasMessageContaining("1 images came before it");
    assertThatThrownBy(() -> Images.tars(temp.resolve("b.tar").toString(), DECODER))
        .hasMessageContaining("b.tar");
  }

  @Test
  void a_name_that_leads_out_of_the_folder_is_refused() throws IOException {
    Path root = temp.resolve("root").toAbsolutePath();
    assertThatThrownBy(() -> ImageList.file(ImageList.Kind.FOLDER, root, "../secret.png"))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("leads out");
    assertThatThrownBy(() -> ImageList.file(ImageList.Kind.FOLDER, root, "/etc/secret.png"))
        .hasMessageContaining("leads out");
    assertThat(ImageList.file(ImageList.Kind.FOLDER, root, "a/../b.png").name()).contains("root");
    // A list is the user's own, and may name any file.
    assertThat(ImageList.file(ImageList.Kind.LIST, root, "../b.png").name()).contains("b.png");
  }
}
