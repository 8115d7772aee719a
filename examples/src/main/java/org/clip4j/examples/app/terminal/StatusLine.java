package org.clip4j.examples.app.terminal;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.Method;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * The last line of a terminal, on which progress is shown and replaced. Whatever else is printed
 * goes above it, once {@link #install} has taken standard output and error. It takes no signals: no
 * library that does must come between Ctrl-C and the JVM.
 */
public final class StatusLine {
  private static final String ERASE = "\r\033[K";

  /** Text that reaches the right edge is cut there, not wrapped. */
  private static final String NO_WRAP = "\033[?7l";

  private static final String WRAP = "\033[?7h";
  private static final int BAR = 20;

  private final PrintStream terminal;
  private final boolean unicode;
  private String shown = "";
  private boolean lineEnded = true;

  StatusLine(PrintStream terminal, Charset charset) {
    this.terminal = terminal;
    unicode = charset.newEncoder().canEncode('█');
  }

  /** Null where standard output is no terminal. */
  private static StatusLine installed;

  /** Takes standard output and error, if they are a terminal's. */
  public static synchronized void install() {
    if (installed == null && onTerminal()) {
      Charset charset = charset();
      installed = new StatusLine(System.out, charset);
      System.setOut(installed.above(System.out, charset));
      System.setErr(installed.above(System.err, charset));
    }
  }

  /** The terminal's, null where there is none. */
  public static synchronized StatusLine installed() {
    return installed;
  }

  private static Charset charset() {
    String name = System.getProperty("stdout.encoding", System.getProperty("sun.stdout.encoding"));
    return name == null ? Charset.defaultCharset() : Charset.forName(name);
  }

  /** From Java 22 on a console exists without a terminal too, and {@code isTerminal} tells. */
  private static boolean onTerminal() {
    boolean windows = System.getProperty("os.name").startsWith("Windows");
    if (System.console() == null
        || "dumb".equals(System.getenv("TERM"))
        || windows && System.getenv("WT_SESSION") == null) { // its old console shows escapes
      return false;
    }
    try {
      Method isTerminal = System.console().getClass().getMethod("isTerminal");
      return (Boolean) isTerminal.invoke(System.console());
    } catch (NoSuchMethodException e) {
      return true;
    } catch (ReflectiveOperationException e) {
      return false;
    }
  }

  /** A stream whose text goes above the line. */
  PrintStream above(PrintStream stream, Charset charset) {
    OutputStream above =
        new OutputStream() {
          @Override
          public void write(int b) throws IOException {
            write(new byte[] {(byte) b}, 0, 1);
          }

          @Override
          public void write(byte[] bytes, int from, int count) {
            printAbove(stream, bytes, from, count);
          }

          @Override
          public void flush() {
            stream.flush();
          }
        };
    return new PrintStream(above, true, charset);
  }

  private synchronized void printAbove(PrintStream stream, byte[] bytes, int from, int count) {
    if (count == 0) {
      return;
    }
    if (!shown.isEmpty() && lineEnded) {
      print(ERASE);
    }
    stream.write(bytes, from, count);
    stream.flush();
    lineEnded = bytes[from + count - 1] == '\n';
    if (!shown.isEmpty() && lineEnded) {
      print(NO_WRAP + shown + WRAP);
    }
  }

  /** Shows a text in place of what is shown. */
  synchronized void show(String text) {
    shown = text;
    if (lineEnded) {
      print(ERASE + NO_WRAP + shown + WRAP);
    }
  }

  /** Leaves what is shown as a line, and shows nothing. */
  public synchronized void end() {
    if (!shown.isEmpty() && lineEnded) {
      print("\n");
    }
    shown = "";
  }

  private void print(String text) {
    byte[] bytes = text.getBytes(unicode ? charset() : StandardCharsets.US_ASCII);
    terminal.write(bytes, 0, bytes.length);
    terminal.flush();
  }

  /** How far something is: a percentage and a bar. */
  String bar(long done, long total) {
    int percent = (int) (100 * done / Math.max(1, total));
    int filled = Math.min(BAR, percent * BAR / 100);
    return String.format(
        Locale.ROOT,
        "%3d %% %s%s",
        percent,
        (unicode ? "█" : "#").repeat(filled),
        (unicode ? "░" : ".").repeat(BAR - filled));
  }
}
