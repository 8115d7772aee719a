package org.clip4j.hub;

/**
 * A file as the listing of its repository has it.
 *
 * @param name its path, with slashes
 * @param size in bytes; -1 where the listing does not say
 * @param gitHash of its content by git's rule; null where it is stored as LFS or not said
 * @param sha256 of its content; null where it is stored in git or not said
 */
record RepoFile(String name, long size, String gitHash, String sha256) {}
