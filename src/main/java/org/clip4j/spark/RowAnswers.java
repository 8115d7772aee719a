package org.clip4j.spark;

import java.io.Serializable;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.util.TaskCompletionListener;
import org.clip4j.Clip;
import org.jspecify.annotations.Nullable;

/**
 * Adds answers to the rows of a partition, some rows at a time, by the model that the process
 * shares; a partition without rows needs none.
 *
 * @param source of the model; null where the answers need none
 * @param batch answers some rows
 * @param most rows at once
 * @param handleInvalid as {@link ClipTransformer#handleInvalid}
 * @param errors whether the reasons are a column
 */
record RowAnswers(
    @Nullable ModelSource source, Batch batch, int most, String handleInvalid, boolean errors)
    implements MapPartitionsFunction<Row, Row> {

  /** Bytes of images that are held at once, roughly. */
  private static final long MOST_BYTES = 64L << 20;

  /**
   * What is said of a row.
   *
   * @param value null if there is none
   * @param error why; null otherwise
   */
  record Answer(@Nullable Object value, @Nullable String error) {}

  /** Answers some rows. */
  interface Batch extends Serializable {

    /**
     * Answers rows, in order.
     *
     * @param clip null where no model is needed
     */
    List<Answer> answer(@Nullable Clip clip, List<Row> rows);

    /** Roughly how many bytes a row holds. */
    long bytes(Row row);
  }

  @Override
  public Iterator<Row> call(Iterator<Row> rows) {
    return new Iterator<>() {
      private final ArrayDeque<Row> ready = new ArrayDeque<>();
      private @Nullable Clip clip;
      private long done;

      @Override
      public boolean hasNext() {
        while (ready.isEmpty() && rows.hasNext()) {
          List<Row> some = some(rows);
          if (clip == null && source != null) {
            clip = use(source);
          }
          List<Answer> answers = batch.answer(clip, some);
          for (int i = 0; i < some.size(); i++) {
            add(some.get(i), answers.get(i));
            done++;
          }
        }
        return !ready.isEmpty();
      }

      private void add(Row row, Answer answer) {
        if (answer.error() != null && handleInvalid.equals("error")) {
          throw new IllegalArgumentException(
              answer.error()
                  + " (row "
                  + done
                  + " of partition "
                  + TaskContext.getPartitionId()
                  + "; handleInvalid is error; keep gives such rows a null and the reason)");
        }
        if (answer.error() == null || handleInvalid.equals("keep")) {
          ready.add(with(row, answer));
        }
      }

      @Override
      public Row next() {
        if (!hasNext()) {
          throw new NoSuchElementException();
        }
        return ready.remove();
      }
    };
  }

  private List<Row> some(Iterator<Row> rows) {
    List<Row> some = new ArrayList<>();
    long bytes = 0;
    while (some.size() < most && bytes < MOST_BYTES && rows.hasNext()) {
      Row row = rows.next();
      some.add(row);
      bytes += batch.bytes(row);
    }
    return some;
  }

  private Row with(Row row, Answer answer) {
    int columns = row.size();
    Object[] values = new Object[columns + (errors ? 2 : 1)];
    for (int i = 0; i < columns; i++) {
      values[i] = row.get(i);
    }
    values[columns] = answer.value();
    if (errors) {
      values[columns + 1] = answer.error();
    }
    return RowFactory.create(values);
  }

  /** Uses a model until the task ends. */
  static Clip use(ModelSource source) {
    SharedModels.Use use = SharedModels.use(source);
    TaskCompletionListener end = context -> use.close();
    TaskContext.get().addTaskCompletionListener(end);
    return use.clip();
  }
}
