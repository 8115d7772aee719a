package org.clip4j.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.spark.sql.SparkSession;

/**
 * A standalone master and workers in processes of their own on this machine, from the jars of the
 * test's class path.
 */
final class StandaloneSpark implements AutoCloseable {
  private static final Path HOME = Path.of("target/spark-home").toAbsolutePath();
  private static final Path OPTIONS = Path.of("examples/spark/jvm.options").toAbsolutePath();
  private static final String CLASS_PATH = absolute(System.getProperty("java.class.path"));

  private final List<Process> processes = new ArrayList<>();
  private final String master;

  StandaloneSpark() throws IOException {
    Files.createDirectories(HOME.resolve("jars")); // looked for by the worker, and empty
    int port;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    master = "spark://127.0.0.1:" + port;
    start(
        Map.of(),
        "master",
        "org.apache.spark.deploy.master.Master",
        "--host",
        "127.0.0.1",
        "--port",
        String.valueOf(port),
        "--webui-port",
        "0");
  }

  private static String absolute(String classPath) {
    return String.join(
        java.io.File.pathSeparator,
        Stream.of(classPath.split(java.io.File.pathSeparator))
            .map(entry -> Path.of(entry).toAbsolutePath().toString())
            .toList());
  }

  /** Starts a worker for executors of one core each. */
  void worker(int executors, Map<String, String> environment) throws IOException {
    start(
        environment,
        "worker" + processes.size(),
        "org.apache.spark.deploy.worker.Worker",
        "--host",
        "127.0.0.1",
        "--webui-port",
        "0",
        "--cores",
        String.valueOf(executors),
        "--memory",
        executors + "g",
        "--work-dir",
        HOME.resolve("work").toString(),
        master);
  }

  private void start(Map<String, String> environment, String name, String... command)
      throws IOException {
    ProcessBuilder builder = java(List.of("-Xmx256m"), command);
    builder.environment().putAll(environment);
    builder.environment().put("SPARK_HOME", HOME.toString());
    builder.environment().put("SPARK_SCALA_VERSION", "2.13"); // what the folder would say
    builder.environment().put("SPARK_LOCAL_IP", "127.0.0.1");
    builder.redirectErrorStream(true).redirectOutput(HOME.resolve(name + ".log").toFile());
    processes.add(builder.start());
  }

  /** A JVM with the test's class path. */
  static ProcessBuilder java(List<String> options, String... command) {
    List<String> all = new ArrayList<>();
    all.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    all.add("@" + OPTIONS);
    all.addAll(options);
    all.addAll(List.of("-cp", CLASS_PATH));
    all.addAll(List.of(command));
    return new ProcessBuilder(all);
  }

  /** Connects this process, and waits until the executors are there. */
  SparkSession session(int executors) throws InterruptedException {
    SparkSession session = connect(executors);
    while (session.sparkContext().statusTracker().getExecutorInfos().length <= executors) {
      assertThat(session.sparkContext().isStopped()).as("stopped; see " + HOME).isFalse();
      Thread.sleep(50);
    }
    return session;
  }

  /** Connects this process; the executors come when they come. */
  SparkSession connect(int executors) {
    SparkSession.getDefaultSession()
        .foreach(
            session -> {
              session.stop(); // a process has one
              return null;
            });
    return SparkSession.builder()
        .master(master)
        .appName("clip4j tests in processes")
        .config("spark.ui.enabled", false)
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", 2)
        .config("spark.cores.max", executors)
        .config("spark.executor.cores", 1)
        .config("spark.serializer", "org.apache.spark.serializer.KryoSerializer") // not the default
        .config("spark.executor.memory", "512m")
        .config("spark.executor.extraClassPath", CLASS_PATH)
        .config(
            "spark.executor.extraJavaOptions", "-Dai.djl.offline=true -XX:ActiveProcessorCount=1")
        .getOrCreate();
  }

  /** Seconds of processor time that the executors have used. */
  double executorSeconds() {
    return processes.stream()
        .flatMap(Process::descendants)
        .mapToDouble(each -> each.info().totalCpuDuration().map(Duration::toNanos).orElse(0L) / 1e9)
        .sum();
  }

  /** Kills one of the executors' processes, without asking it. */
  void killOneExecutor() {
    ProcessHandle executor =
        processes.stream().flatMap(Process::descendants).findFirst().orElseThrow();
    executor.destroyForcibly();
  }

  @Override
  public void close() {
    SparkSession.getDefaultSession()
        .foreach(
            session -> {
              session.stop();
              return null;
            });
    for (int i = processes.size() - 1; i >= 0; i--) {
      processes.get(i).descendants().forEach(ProcessHandle::destroyForcibly);
      processes.get(i).destroyForcibly();
    }
  }
}
