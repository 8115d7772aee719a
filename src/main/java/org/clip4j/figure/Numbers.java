package org.clip4j.figure;

import java.util.Locale;

/** Writes numbers as figures and tables show them. */
public final class Numbers {
  private Numbers() {}

  /** Writes any number shortly, with as many digits as matter: "5.0e-4", "0.25", "1,235". */
  public static String brief(double value) {
    double size = Math.abs(value);
    if (size >= 1e6 || size > 0 && size < 1e-3) {
      return String.format(Locale.ROOT, "%.1e", value).replace("e+0", "e").replace("e-0", "e-");
    }
    if (size >= 1000) {
      return String.format(Locale.ROOT, "%,.0f", value);
    }
    String text = String.format(Locale.ROOT, size >= 100 ? "%.1f" : "%.4f", value);
    return text.replaceAll("\\.?0+$", "");
  }

  /** Writes a share in percent with one decimal: "93.4 %". */
  public static String percent(double share) {
    return String.format(Locale.ROOT, "%.1f %%", 100 * share);
  }

  /** Writes a share in percent without the sign, with no more decimals than it needs: "93". */
  public static String hundredths(double share) {
    return signed(String.format(Locale.ROOT, "%.1f", 100 * share).replaceAll("\\.0$", ""));
  }

  /** Writes a difference of shares in percentage points: "+3.4" or "−0.2". */
  public static String points(double share) {
    String text = String.format(Locale.ROOT, "%+.1f", 100 * share);
    return text.equals("+0.0") || text.equals("-0.0") ? "0.0" : signed(text);
  }

  private static String signed(String text) {
    return text.replace('-', '−');
  }
}
