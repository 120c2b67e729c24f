package org.hemotk.core

import java.io.InputStream
import java.nio.ByteBuffer
import java.security.MessageDigest

private const val CHUNK = 1 shl 16

/** SHA-256 as 64 lower-case hexadecimal digits. */
fun sha256(bytes: ByteArray) = hexadecimal(digest().digest(bytes))

/** The same of what is left in [buffer], whose position stays. */
fun sha256(buffer: ByteBuffer) = hexadecimal(digest().apply { update(buffer.duplicate()) }.digest())

/** The same of all that [stream] gives, read in pieces; closes it. */
fun sha256(stream: InputStream): String {
    val digest = digest()
    val chunk = ByteArray(CHUNK)
    stream.use {
        while (true) {
            val count = it.read(chunk)
            if (count < 0) break
            digest.update(chunk, 0, count)
        }
    }
    return hexadecimal(digest.digest())
}

/** Two lower-case digits per byte. */
fun hexadecimal(bytes: ByteArray): String {
    val digits = "0123456789abcdef"
    val text = StringBuilder(2 * bytes.size)
    for (byte in bytes) text.append(digits[byte.toInt() shr 4 and 15]).append(digits[byte.toInt() and 15])
    return text.toString()
}

private fun digest() = MessageDigest.getInstance("SHA-256")
