/** A Spring Boot application that keeps pictures and finds them by text. */
package org.clip4j.examples.spring;
