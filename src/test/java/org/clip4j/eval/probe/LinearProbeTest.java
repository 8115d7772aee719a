package org.clip4j.eval.probe;
