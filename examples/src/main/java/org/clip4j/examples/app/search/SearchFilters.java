package org.clip4j.examples.app.search;

import java.io.IOException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.clip4j.search.lucene.Filter;

/** Filters and fields as they are typed. */
public final class SearchFilters {
  public static final String SYNTAX =
      "FIELD=VALUE, FIELD=A|B for one of several, FIELD!=VALUE, FIELD>=VALUE or FIELD<=VALUE";
  private static final Pattern CONDITION = Pattern.compile("([^=!<>]+?) *(!=|>=|<=|=) *(.*)");
  private static final Pattern NUMBER = Pattern.compile("-?[0-9]{1,15}(\\.[0-9]{1,9})?");
  private static final Pattern TIME = Pattern.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}(T.*Z)?");

  private SearchFilters() {}

  /**
   * What all conditions match; null if there is none.
   *
   * @param fields those of the index, and what they hold
   */
  static Filter filter(List<String> conditions, Map<String, String> fields) throws IOException {
    List<Filter> filters = new ArrayList<>();
    for (String condition : conditions) {
      filters.add(condition(condition.strip(), fields));
    }
    return filters.isEmpty() ? null : Filter.all(filters.toArray(Filter[]::new));
  }

  private static Filter condition(String condition, Map<String, String> fields) throws IOException {
    Matcher parts = CONDITION.matcher(condition);
    if (!parts.matches()) {
      throw new IOException("\"" + condition + "\" is no filter; write " + SYNTAX);
    }
    String field = parts.group(1);
    String type = fields.get(field);
    if (type == null) {
      throw new IOException(
          "there is no field \"" + field + "\" to filter by; there are " + fields.keySet());
    }
    Object[] values =
        Arrays.stream(parts.group(3).split("\\|", -1)).map(each -> value(each, type)).toArray();
    for (Object value : values) {
      if (value == null) {
        throw new IOException("\"" + condition + "\": the field \"" + field + "\" holds " + type);
      }
    }
    return switch (parts.group(2)) {
      case "=" -> Filter.anyOf(field, values);
      case "!=" -> Filter.not(Filter.anyOf(field, values));
      case ">=" -> Filter.range(field, values[0], null);
      default -> Filter.range(field, null, values[0]);
    };
  }

  /** A value of a field that holds numbers, times or strings; null if it is none. */
  private static Object value(String text, String type) {
    return switch (type) {
      case "a number" -> NUMBER.matcher(text).matches() ? Double.valueOf(text) : null;
      case "a time" -> time(text);
      default -> text;
    };
  }

  private static Instant time(String text) {
    try {
      return text.length() == 10
          ? LocalDate.parse(text).atStartOfDay(ZoneOffset.UTC).toInstant()
          : Instant.parse(text);
    } catch (DateTimeParseException e) {
      return null;
    }
  }

  /** Fields with values, as "year=2024"; of new ones the value tells what they hold. */
  static Map<String, Object> fields(List<String> assignments, Map<String, String> known)
      throws IOException {
    Map<String, Object> values = new HashMap<>();
    for (String assignment : assignments) {
      int equals = assignment.indexOf('=');
      if (equals < 1) {
        throw new IOException("\"" + assignment + "\" is no field; write FIELD=VALUE");
      }
      String text = assignment.substring(equals + 1);
      String guessed =
          NUMBER.matcher(text).matches()
              ? "a number"
              : TIME.matcher(text).matches() && time(text) != null ? "a time" : "a string";
      String field = assignment.substring(0, equals);
      String type = known.getOrDefault(field, guessed);
      if (value(text, type) == null) {
        throw new IOException("\"" + assignment + "\": the field \"" + field + "\" holds " + type);
      }
      values.put(field, value(text, type));
    }
    return values;
  }
}
