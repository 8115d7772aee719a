package org.clip4j.search.lucene;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.DoublePoint;
import org.apache.lucene.document.Field.Store;
import org.apache.lucene.document.LongPoint;
import org.apache.lucene.document.StoredField;
import org.apache.lucene.document.StringField;
import org.apache.lucene.index.FieldInfo;
import org.apache.lucene.index.FieldInfos;
import org.apache.lucene.index.IndexReader;
import org.apache.lucene.index.IndexableField;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.MatchAllDocsQuery;
import org.apache.lucene.search.MatchNoDocsQuery;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.TermInSetQuery;
import org.apache.lucene.search.TermRangeQuery;
import org.apache.lucene.util.BytesRef;

/**
 * The fields of an index's entries, as Lucene keeps them. A field's type is part of its name in
 * Lucene, so that the index itself says which fields there are. Safe for use by several threads.
 */
final class IndexFields {
  /** Lucene's longest term. */
  static final int MAX_BYTES = 32_766;

  private static final double EXACT_INTEGERS = 0x1p53;

  /** What a field holds. */
  private enum Type {
    STRING("a string"),
    NUMBER("a number"),
    TIME("a time");

    final String words;

    Type(String words) {
      this.words = words;
    }

    String luceneName(String field) {
      return name().toLowerCase(Locale.ROOT) + ":" + field;
    }
  }

  private final Map<String, Type> types = new ConcurrentHashMap<>();

  /** Learns of the fields that an index has. */
  void learn(IndexReader reader) {
    for (FieldInfo info : FieldInfos.getMergedFieldInfos(reader)) {
      for (Type type : Type.values()) {
        if (info.name.startsWith(type.luceneName(""))) {
          types.putIfAbsent(info.name.substring(type.luceneName("").length()), type);
        }
      }
    }
  }

  /** The names of all fields, and in words what they hold. */
  Map<String, String> names() {
    Map<String, String> names = new TreeMap<>();
    types.forEach((name, type) -> names.put(name, type.words));
    return names;
  }

  /** Refuses values that cannot be kept. The types of new fields are settled by this. */
  void check(IndexEntry entry) {
    entry
        .fields()
        .forEach(
            (name, value) -> {
              String what = "entry \"" + entry.id() + "\": ";
              if (name.isEmpty()) {
                throw new IllegalArgumentException(what + "a field has an empty name");
              }
              for (Object one : values(value)) {
                Type type = typeOf(what, name, one);
                Type known = types.putIfAbsent(name, type);
                if (known != null && known != type) {
                  throw mismatch(what, name, known, one);
                }
              }
            });
  }

  private static IllegalArgumentException mismatch(
      String what, String field, Type known, Object value) {
    return new IllegalArgumentException(
        what
            + "the field \""
            + field
            + "\" holds "
            + known.words
            + " in this index, not "
            + value
            + " ("
            + value.getClass().getSimpleName()
            + ")");
  }

  private static Collection<?> values(Object value) {
    return value instanceof Collection<?> several ? several : List.of(value);
  }

  private static Type typeOf(String what, String field, Object value) {
    String named = what + "the field \"" + field + "\" ";
    if (value instanceof String text) {
      int bytes = text.getBytes(StandardCharsets.UTF_8).length;
      if (bytes > MAX_BYTES) {
        throw new IllegalArgumentException(
            named + "has " + bytes + " bytes in UTF-8, more than " + MAX_BYTES);
      }
      return Type.STRING;
    }
    if (value instanceof Instant time) {
      micros(named, time);
      return Type.TIME;
    }
    if (value instanceof Number number) {
      boolean inexact =
          number instanceof Long && Math.abs((double) number.longValue()) > EXACT_INTEGERS;
      if (!Double.isFinite(number.doubleValue()) || inexact) {
        throw new IllegalArgumentException(
            named + "is " + number + ", not finite or beyond 2^53; keep it as a string");
      }
      return Type.NUMBER;
    }
    throw new IllegalArgumentException(
        named
            + "is a "
            + (value == null ? "null" : value.getClass().getName())
            + "; fields are strings, numbers and instants");
  }

  private static double number(Object value) {
    return ((Number) value).doubleValue() + 0.0; // -0.0 becomes 0.0, which Lucene tells apart
  }

  private static long micros(String named, Instant time) {
    try {
      return ChronoUnit.MICROS.between(Instant.EPOCH, time);
    } catch (ArithmeticException | DateTimeException e) {
      throw new IllegalArgumentException(named + "is " + time + ", too far from 1970", e);
    }
  }

  private static long micros(Object value) {
    return micros("the time ", (Instant) value);
  }

  /** Adds the fields of a checked entry. */
  void write(IndexEntry entry, Document into) {
    entry
        .fields()
        .forEach(
            (field, value) -> {
              for (Object one : values(value)) {
                Type type = types.get(field);
                String name = type.luceneName(field);
                switch (type) {
                  case STRING -> into.add(new StringField(name, (String) one, Store.YES));
                  case NUMBER -> {
                    into.add(new DoublePoint(name, number(one)));
                    into.add(new StoredField(name, number(one)));
                  }
                  default -> {
                    into.add(new LongPoint(name, micros(one)));
                    into.add(new StoredField(name, micros(one)));
                  }
                }
              }
            });
  }

  /** The fields of a stored entry. */
  static Map<String, Object> read(Document stored) {
    Map<String, List<Object>> lists = new TreeMap<>();
    for (IndexableField field : stored) {
      for (Type type : Type.values()) {
        String prefix = type.luceneName("");
        if (field.name().startsWith(prefix)) {
          Object value =
              switch (type) {
                case STRING -> field.stringValue();
                case NUMBER -> field.numericValue().doubleValue();
                case TIME ->
                    Instant.EPOCH.plus(field.numericValue().longValue(), ChronoUnit.MICROS);
              };
          lists
              .computeIfAbsent(field.name().substring(prefix.length()), n -> new ArrayList<>())
              .add(value);
        }
      }
    }
    Map<String, Object> fields = new TreeMap<>();
    lists.forEach((name, list) -> fields.put(name, list.size() == 1 ? list.get(0) : list));
    return fields;
  }

  /**
   * Lucene's query for a filter.
   *
   * @throws IllegalArgumentException if there is no such field, or it is of another type
   */
  Query query(Filter filter) {
    if (filter instanceof Filter.AnyOf anyOf) {
      return anyOf.values().isEmpty() ? new MatchNoDocsQuery() : anyOf(anyOf);
    }
    if (filter instanceof Filter.Range range) {
      return range(range);
    }
    BooleanQuery.Builder query = new BooleanQuery.Builder();
    if (filter instanceof Filter.Not not) {
      query.add(new MatchAllDocsQuery(), Occur.FILTER).add(query(not.filter()), Occur.MUST_NOT);
    } else if (filter instanceof Filter.All all) {
      query.add(new MatchAllDocsQuery(), Occur.FILTER);
      all.filters().forEach(each -> query.add(query(each), Occur.FILTER));
    } else {
      ((Filter.Any) filter).filters().forEach(each -> query.add(query(each), Occur.SHOULD));
    }
    return query.build();
  }

  private Type typeOfFilter(String field, Collection<?> values) {
    Type known = types.get(field);
    if (known == null) {
      throw new IllegalArgumentException(
          "no entry has the field \""
              + field
              + "\"; "
              + (types.isEmpty()
                  ? "entries here have no fields"
                  : "there are " + names().keySet()));
    }
    for (Object value : values) {
      if (typeOf("filter: ", field, value) != known) {
        throw mismatch("filter: ", field, known, value);
      }
    }
    return known;
  }

  private Query anyOf(Filter.AnyOf filter) {
    Type type = typeOfFilter(filter.field(), filter.values());
    String name = type.luceneName(filter.field());
    return switch (type) {
      case STRING ->
          new TermInSetQuery(
              name, filter.values().stream().map(value -> new BytesRef((String) value)).toList());
      case NUMBER ->
          DoublePoint.newSetQuery(
              name, filter.values().stream().mapToDouble(IndexFields::number).toArray());
      case TIME ->
          LongPoint.newSetQuery(
              name, filter.values().stream().mapToLong(IndexFields::micros).toArray());
    };
  }

  private Query range(Filter.Range filter) {
    Object from = filter.from();
    Object to = filter.to();
    List<Object> bounds = Stream.of(from, to).filter(Objects::nonNull).toList();
    Type type = typeOfFilter(filter.field(), bounds);
    String name = type.luceneName(filter.field());
    return switch (type) {
      case STRING -> TermRangeQuery.newStringRange(name, (String) from, (String) to, true, true);
      case NUMBER ->
          DoublePoint.newRangeQuery(
              name,
              from == null ? Double.NEGATIVE_INFINITY : number(from),
              to == null ? Double.POSITIVE_INFINITY : number(to));
      case TIME ->
          LongPoint.newRangeQuery(
              name,
              from == null ? Long.MIN_VALUE : micros(from),
              to == null ? Long.MAX_VALUE : micros(to));
    };
  }

  /** The stored fields of a document. */
  static Document stored(IndexReader reader, int doc) throws IOException {
    return reader.storedFields().document(doc);
  }
}
