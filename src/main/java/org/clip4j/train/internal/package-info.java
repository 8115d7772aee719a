/** What the packages of the training share among themselves, and no part of the API. */
@NullMarked
package org.clip4j.train.internal;

import org.jspecify.annotations.NullMarked;
