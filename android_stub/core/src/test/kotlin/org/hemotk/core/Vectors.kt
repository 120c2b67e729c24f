package org.hemotk.core

import java.io.DataInputStream
import java.io.File

/** What tools/write_vectors.py wrote. */
internal fun <T> vectors(name: String, read: DataInputStream.() -> T): T {
    val file = File(System.getProperty("hemotk.work"), "vectors/$name")
    return DataInputStream(file.inputStream().buffered()).use(read)
}

internal fun DataInputStream.bytes(count: Int) = ByteArray(count).also(::readFully)

internal fun DataInputStream.ints(count: Int) = IntArray(count) { readInt() }
