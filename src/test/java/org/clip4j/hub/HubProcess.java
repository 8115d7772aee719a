package org.clip4j.hub;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * The two ends of a download as programs of their own, for tests with several processes and for
 * examples/peers/check_hub.py.
 *
 * <pre>
 * serve FOLDER PORT   serves FOLDER/ORG/NAME/REVISION/... as a hub until standard input ends
 * fetch ID            fetches by this process's environment and prints the weights' path
 * </pre>
 */
final class HubProcess {
  private HubProcess() {}

  public static void main(String[] args) throws IOException {
    switch (args[0]) {
      case "serve" -> serve(Path.of(args[1]), Integer.parseInt(args[2]));
      case "fetch" -> {
        HubModel model = Hub.fromEnvironment().fetch(HubId.parse(args[1]), DownloadListener.SILENT);
        System.out.println(model.commit() + " " + model.weights());
      }
      default -> throw new IllegalArgumentException(args[0]);
    }
  }

  private static void serve(Path folder, int port) throws IOException {
    try (FakeHub hub = new FakeHub(port)) {
      for (Path organisation : children(folder)) {
        for (Path name : children(organisation)) {
          for (Path revision : children(name)) {
            String id = organisation.getFileName() + "/" + name.getFileName();
            hub.publish(id, revision.getFileName().toString(), files(revision));
          }
        }
      }
      System.out.println(hub.endpoint());
      while (System.in.read() >= 0) {
        // until whoever started this is done
      }
      hub.requests.forEach(r -> System.out.println(r.method() + " " + r.path()));
    }
  }

  private static List<Path> children(Path folder) throws IOException {
    try (Stream<Path> children = Files.list(folder)) {
      return children.sorted().toList();
    }
  }

  private static Map<String, byte[]> files(Path folder) throws IOException {
    Map<String, byte[]> files = new TreeMap<>();
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path file : all.filter(Files::isRegularFile).toList()) {
        files.put(folder.relativize(file).toString(), Files.readAllBytes(file));
      }
    }
    return new LinkedHashMap<>(files);
  }
}
