/** Options that several examples take, each group with what it makes of them. */
package org.clip4j.examples.options;
