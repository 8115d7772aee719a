package org.clip4j.spark;

import com.esotericsoftware.kryo.DefaultSerializer;
import com.esotericsoftware.kryo.serializers.JavaSerializer;
import java.io.Serializable;

/**
 * What is broadcast by Java's serialization, also where {@code spark.serializer} is Kryo, which
 * cannot make records.
 */
@DefaultSerializer(JavaSerializer.class)
record Sent<T>(T value) implements Serializable {}
