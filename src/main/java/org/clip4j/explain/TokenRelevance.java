package org.clip4j.explain;

/**
 * Says how much of a similarity comes from one token of the text.
 *
 * @param id the token's
 * @param word the part of the text between spaces that the token is of; empty for the tokens that
 *     every text has
 * @param relevance at least 0; of the unit of the other tokens' of the same text
 */
public record TokenRelevance(int id, String word, float relevance) {}
