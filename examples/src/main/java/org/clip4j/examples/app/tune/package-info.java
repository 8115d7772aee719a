/** Fine-tuning in several ways, with what each gains and forgets. */
package org.clip4j.examples.app.tune;
