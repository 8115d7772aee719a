/**
 * Reads the tar files that WebDataset writes: {@link org.clip4j.data.internal.shards.ShardScanner}
 * finds the samples in one, {@link org.clip4j.data.internal.shards.TarEntries} its members.
 */
@NullMarked
package org.clip4j.data.internal.shards;

import org.jspecify.annotations.NullMarked;
