/**
 * Published models by name: a repository of a Hugging Face hub is downloaded into the cache that
 * {@code huggingface_hub} keeps, so that Java and Python share what either has fetched.
 *
 * <p>{@link org.clip4j.hub.Hub} is the way in. It asks the hub once what a revision holds, chooses
 * the files of one model ({@code FileSelection}), and brings each to its place ({@code
 * BlobDownload}): resumed where it was cut, checked against its checksum, and given its name only
 * then. What the hub says is not trusted: names and hashes are checked before they become paths,
 * sizes bound what is read, and the access token goes to the hub's own host alone.
 *
 * <p>Facts of the protocol and of the cache's layout are those of {@code huggingface_hub} 1.33
 * ({@code file_download.py}, {@code constants.py}, {@code utils/_http.py}).
 */
@NullMarked
package org.clip4j.hub;

import org.jspecify.annotations.NullMarked;
