/**
 * CLIP itself: the two towers and their configuration. Parameters carry the names that OpenCLIP's
 * checkpoints use.
 */
@NullMarked
package org.clip4j.model;

import org.jspecify.annotations.NullMarked;
