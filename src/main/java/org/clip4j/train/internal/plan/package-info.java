/**
 * What a training was asked for, as the builder collects it and as texts by name, for the rooms
 * that carry it out.
 */
@NullMarked
package org.clip4j.train.internal.plan;

import org.jspecify.annotations.NullMarked;
