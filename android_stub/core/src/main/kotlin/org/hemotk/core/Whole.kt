package org.hemotk.core

import java.io.DataInputStream
import java.io.EOFException
import java.io.InputStream
import java.util.zip.CRC32

private const val PNG = -0x76afb1b8f2f5e5f6L // 89 P N G CR LF 1A LF
private const val END = 0x49454E44 // IEND
private const val JPEG = 0xFFD8
private const val JPEG_END = 0xFFD9

/**
 * Whether [stream] is a PNG with every chunk's checksum right up to its end, or a JPEG that has an end; closes it.
 *
 * Android's BitmapFactory decodes a picture that was cut short as far as it goes and fills the rest, without a word.
 * ImageDecoder, from API 28 on, refuses it. This is for the versions before.
 */
fun isWhole(stream: InputStream): Boolean = DataInputStream(stream.buffered()).use {
    try {
        val start = it.readUnsignedShort()
        if (start == JPEG) {
            jpegEnds(it)
        } else {
            val rest = it.readUnsignedShort().toLong() shl 32 or (it.readInt().toLong() and 0xFFFFFFFFL)
            (start.toLong() shl 48 or rest) == PNG && pngEnds(it)
        }
    } catch (error: EOFException) {
        false
    }
}

private fun pngEnds(stream: DataInputStream): Boolean {
    val buffer = ByteArray(1 shl 16)
    while (true) {
        var left = stream.readInt()
        if (left < 0) return false
        val kind = stream.readInt()
        val sum = CRC32()
        for (shift in 24 downTo 0 step 8) sum.update(kind ushr shift)
        while (left > 0) {
            val count = minOf(left, buffer.size)
            stream.readFully(buffer, 0, count)
            sum.update(buffer, 0, count)
            left -= count
        }
        if (stream.readInt() != sum.value.toInt()) return false
        if (kind == END) return true
    }
}

/** The end marker is the last thing in the file, zeros aside: a thumbnail further up has one as well. */
private fun jpegEnds(stream: DataInputStream): Boolean {
    var last = 0
    var ends = false
    while (true) {
        val byte = stream.read()
        if (byte < 0) return ends
        if (byte != 0) ends = (last shl 8 or byte) == JPEG_END
        last = byte
    }
}
