package org.clip4j.hub;

import java.nio.file.Path;

/**
 * Describes a model in the cache, ready to be opened.
 *
 * @param repo its name on the hub
 * @param commit the commit that its files are of
 * @param folder the snapshot folder; its files are links into the cache and belong to the cache
 * @param weights the weights file within the folder, or the index of its shards. The folder may
 *     hold other weights too: open this file
 */
public record HubModel(String repo, String commit, Path folder, Path weights) {}
