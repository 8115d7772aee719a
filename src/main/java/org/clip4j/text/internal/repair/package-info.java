/**
 * Makes broken text plain, as the Python package ftfy does: {@link
 * org.clip4j.text.internal.repair.TextRepair} is the way in.
 */
@NullMarked
package org.clip4j.text.internal.repair;

import org.jspecify.annotations.NullMarked;
