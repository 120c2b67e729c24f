package org.hemotk.core

private const val ORIENTATION = 0x0112
private val SAID_IN_XMP = Regex("tiff:Orientation(=\"|>)([0-9])")

/** The orientation, 1 to 8, that a picture's [exif] block (a TIFF header on) or its [xmp] packet asks for; else 1. */
internal fun orientation(exif: ByteArray?, xmp: ByteArray?): Int {
    val said = exif?.let(::inExif) ?: xmp?.let { packet ->
        SAID_IN_XMP.find(String(packet, Charsets.ISO_8859_1))?.groupValues?.get(2)?.toInt()
    }
    return if (said in 1..8) said!! else 1
}

private fun inExif(exif: ByteArray): Int? {
    val block = Block(exif)
    val first = block.number(4, 4)?.toInt() ?: return null
    val count = block.number(first, 2)?.toInt() ?: return null
    for (entry in 0 until count) {
        val at = first + 2 + 12 * entry
        if (block.number(at, 2)?.toInt() != ORIENTATION) continue
        val bytes = when (block.number(at + 2, 2)?.toInt()) {
            1 -> 1
            3 -> 2
            4 -> 4
            else -> return null
        }
        return if (block.number(at + 4, 4) == 1L) block.number(at + 8, bytes)?.toInt() else null
    }
    return null
}

/** Numbers in either order of bytes; null beyond the end. */
private class Block(private val bytes: ByteArray) {
    private val little = bytes.size > 1 && bytes[0] == 'I'.code.toByte()

    fun number(at: Int, length: Int): Long? {
        if (at < 0 || at > bytes.size - length) return null
        val places = if (little) (length - 1 downTo 0) else (0 until length)
        return places.fold(0L) { sum, place -> sum shl 8 or (bytes[at + place].toLong() and 255) }
    }
}
