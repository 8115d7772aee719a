/**
 * Image-text pairs: where they come from (tables, generated shapes) and the loader that decodes
 * them ahead of the training step.
 */
package org.clip4j.data;
