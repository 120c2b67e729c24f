package org.hemotk.core

import java.io.ByteArrayOutputStream
import java.util.zip.CRC32
import java.util.zip.DataFormatException
import java.util.zip.Inflater

internal val PNG_START = byteArrayOf(0x89.toByte(), 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A)
private const val LONGEST_TEXT = 1 shl 20

/**
 * A PNG as its stored levels say, without any colour management: gamma and profiles change nothing.
 *
 * Android's own decoders apply them, which would be other pixels than training saw. Every chunk's checksum is checked.
 * Throws [HemotkException] for a file that was cut short or is damaged, has several frames, or has a size outside the
 * limits.
 */
internal class Png(private val file: ByteArray, private val where: String) : Rows {
    private val header: PngHeader
    private val palette: ByteArray
    private val opacity: ByteArray?
    private val levels: PngLevels
    val orientation: Int

    override val width get() = header.width
    override val height get() = header.height

    /** The values of 16-bit gray, else null. */
    val deep: ShortArray? get() = levels.deep

    init {
        val chunks = chunks()
        header = PngHeader(chunks.firstOrNull()?.takeIf { it.kind == "IHDR" }?.let(::content) ?: throw damaged(), ::damaged)
        checkSize(width, height, where)
        checkFrames(chunks)
        palette = chunks.firstOrNull { it.kind == "PLTE" }?.let(::content) ?: ByteArray(0)
        opacity = chunks.firstOrNull { it.kind == "tRNS" }?.let(::content)
        val needed = mapOf(0 to 2, 2 to 6)[header.type] ?: 0
        if (opacity != null && opacity.size < needed) throw damaged()
        orientation = orientation(exif(chunks), xmp(chunks))
        levels = PngLevels(header, ImageData(chunks.filter { it.kind == "IDAT" }))
    }

    override fun read(y: Int, argb: IntArray) {
        for (x in argb.indices) argb[x] = colour(y * width + x)
    }

    private fun colour(pixel: Int): Int {
        val at = pixel * header.channels
        return when (header.type) {
            0 -> levels[at].let { opaqueUnless(it, it, it) }
            2 -> opaqueUnless(levels[at], levels[at + 1], levels[at + 2])
            3 -> ofPalette(levels[at])
            4 -> levels[at].let { argb(levels[at + 1], it, it, it) }
            else -> argb(levels[at + 3], levels[at], levels[at + 1], levels[at + 2])
        }
    }

    /** Pillow compares the low byte of what is transparent with the levels as it made them 8 bits wide. */
    private fun opaqueUnless(red: Int, green: Int, blue: Int): Int {
        val seen = opacity != null && transparent(0) == red && transparent(2) == green && transparent(4) == blue
        return argb(if (seen) 0 else 255, red, green, blue)
    }

    private fun transparent(place: Int): Int {
        val from = if (header.type == 0) 0 else place
        val value = (byte(opacity!!, from) shl 8) or byte(opacity, from + 1)
        return if (header.type == 0 && header.depth == 1) (if (value == 0) 0 else 255) else value and 255
    }

    private fun ofPalette(index: Int): Int {
        if (3 * index + 2 >= palette.size) throw damaged()
        val alpha = if (opacity != null && index < opacity.size) byte(opacity, index) else 255
        return argb(alpha, byte(palette, 3 * index), byte(palette, 3 * index + 1), byte(palette, 3 * index + 2))
    }

    private class Chunk(val kind: String, val from: Int, val length: Int)

    private fun content(chunk: Chunk) = file.copyOfRange(chunk.from, chunk.from + chunk.length)

    private fun chunks(): List<Chunk> {
        val found = ArrayList<Chunk>()
        var at = PNG_START.size
        while (found.isEmpty() || found.last().kind != "IEND") {
            val length = int(at)
            if (length < 0 || length > file.size - at - 12) throw damaged()
            val sum = CRC32().apply { update(file, at + 4, length + 4) }
            if (int(at + 8 + length) != sum.value.toInt()) throw damaged()
            found.add(Chunk(String(file, at + 4, 4, Charsets.ISO_8859_1), at + 8, length))
            at += length + 12
        }
        return found
    }

    private fun int(at: Int): Int {
        if (at > file.size - 4) throw damaged()
        return (0 until 4).fold(0) { sum, place -> sum shl 8 or byte(file, at + place) }
    }

    /** One picture alone: Python's reader counts the frames that are announced before the first picture. */
    private fun checkFrames(chunks: List<Chunk>) {
        val before = chunks.takeWhile { it.kind != "IDAT" }
        val said = before.filter { it.kind == "acTL" }
        if (said.size != 1) return
        val frames = int(said[0].from)
        val alone = before.none { it.kind == "fcTL" } // the first picture is then no frame
        if (frames > 1 || frames < 0 || (frames == 1 && alone)) throw HemotkException(Problem.SEVERAL_FRAMES, where)
    }

    private fun exif(chunks: List<Chunk>): ByteArray? =
        chunks.firstOrNull { it.kind == "eXIf" }?.let(::content) ?: text(chunks, "Raw profile type exif")?.let { profile ->
            val digits = String(profile, Charsets.ISO_8859_1).split('\n').drop(3).joinToString("")
            val bytes = ByteArray(digits.length / 2) { digits.substring(2 * it, 2 * it + 2).toIntOrNull(16)?.toByte() ?: 0 }
            if (bytes.size > 6) bytes.copyOfRange(6, bytes.size) else null // "Exif", two zeros
        }

    private fun xmp(chunks: List<Chunk>) = text(chunks, "XML:com.adobe.xmp")

    /** The text of that [key]; long ones are cut, as nothing that is looked for is long. */
    private fun text(chunks: List<Chunk>, key: String): ByteArray? = chunks.firstNotNullOfOrNull { chunk ->
        val content = if (chunk.kind in TEXTS) content(chunk) else ByteArray(0)
        val start = key.toByteArray(Charsets.ISO_8859_1) + 0
        if (content.size <= start.size || !start.indices.all { content[it] == start[it] }) return@firstNotNullOfOrNull null
        val rest = content.copyOfRange(start.size, content.size)
        when (chunk.kind) {
            "tEXt" -> rest
            "zTXt" -> inflated(rest.copyOfRange(1, rest.size))
            else -> international(rest)
        }
    }

    private fun international(rest: ByteArray): ByteArray? {
        val ends = rest.indices.filter { it >= 2 && rest[it] == 0.toByte() }.take(2) // of language and translated key
        if (ends.size < 2) return null
        val text = rest.copyOfRange(ends[1] + 1, rest.size)
        return if (rest[0] == 1.toByte()) inflated(text) else text
    }

    private fun inflated(bytes: ByteArray): ByteArray? {
        val inflater = Inflater()
        return try {
            inflater.setInput(bytes)
            val found = ByteArrayOutputStream()
            val buffer = ByteArray(4096)
            while (!inflater.finished() && found.size() < LONGEST_TEXT) {
                val count = inflater.inflate(buffer)
                if (count == 0) break
                found.write(buffer, 0, count)
            }
            found.toByteArray()
        } catch (error: DataFormatException) {
            null
        } finally {
            inflater.end()
        }
    }

    /** What the chunks of the picture inflate to, line by line. */
    private inner class ImageData(private val chunks: List<Chunk>) : PngLines {
        private val inflater = Inflater()
        private var next = 0

        override fun read(line: ByteArray, length: Int) {
            var have = 0
            try {
                while (have < length) {
                    if (inflater.needsInput()) {
                        val chunk = chunks.getOrNull(next++) ?: throw damaged()
                        inflater.setInput(file, chunk.from, chunk.length)
                    }
                    val count = inflater.inflate(line, have, length - have)
                    if (count == 0 && (inflater.finished() || inflater.needsDictionary())) throw damaged()
                    have += count
                }
            } catch (error: DataFormatException) {
                throw damaged(error)
            }
        }

        override fun damaged() = this@Png.damaged()

        override fun close() = inflater.end()
    }

    private fun damaged(cause: Throwable? = null) = HemotkException(Problem.NO_PICTURE, where, cause)

    private companion object {
        val TEXTS = setOf("tEXt", "zTXt", "iTXt")
    }
}

internal fun byte(bytes: ByteArray, at: Int) = bytes[at].toInt() and 255

private fun argb(alpha: Int, red: Int, green: Int, blue: Int) = alpha shl 24 or (red shl 16) or (green shl 8) or blue
