package org.hemotk.core

import kotlin.math.abs

/** The first chunk of a PNG. [type] 0 is gray, 2 colour, 3 palette, 4 gray with opacity, 6 colour with opacity. */
internal class PngHeader(content: ByteArray, damaged: () -> HemotkException) {
    val width: Int
    val height: Int
    val depth: Int
    val type: Int
    val interlaced: Boolean

    init {
        if (content.size < 13) throw damaged()
        val sides = List(2) { side -> (0 until 4).fold(0) { sum, place -> sum shl 8 or byte(content, 4 * side + place) } }
        width = sides[0]
        height = sides[1]
        depth = byte(content, 8)
        type = byte(content, 9)
        interlaced = content[12] != 0.toByte()
        if (width < 1 || height < 1 || depth !in (DEPTHS[type] ?: emptyList()) || content[11] != 0.toByte()) throw damaged()
    }

    val channels get() = mapOf(2 to 3, 4 to 2, 6 to 4)[type] ?: 1

    /** The eighths of a picture that come one after the other, or the picture as it is. */
    val passes get() = if (interlaced) ADAM7 else listOf(Pass(0, 0, 1, 1))

    class Pass(val left: Int, val top: Int, val right: Int, val down: Int)

    private companion object {
        val DEPTHS = mapOf(0 to listOf(1, 2, 4, 8, 16), 3 to listOf(1, 2, 4, 8)) + listOf(2, 4, 6).associateWith { listOf(8, 16) }
        val ADAM7 = listOf(
            Pass(0, 0, 8, 8), Pass(4, 0, 8, 8), Pass(0, 4, 4, 8), Pass(2, 0, 4, 4), Pass(0, 2, 2, 4), Pass(1, 0, 2, 2),
            Pass(0, 1, 1, 2),
        )
    }
}

/** Where the lines of a PNG come from. */
internal interface PngLines {
    fun read(line: ByteArray, length: Int)

    fun damaged(): HemotkException

    fun close()
}

/** The levels of a PNG, 8 bits wide, channel by channel: of 16 bits the upper byte, of gray the share of 255. */
internal class PngLevels(private val header: PngHeader, private val lines: PngLines) {
    private val pixels = header.width * header.height

    /** All 16 bits, where the picture is gray without opacity. */
    val deep = if (header.type == 0 && header.depth == 16) ShortArray(pixels) else null
    private val bytes = ByteArray(if (deep == null) Math.multiplyExact(pixels, header.channels) else 0)

    init {
        try {
            header.passes.forEach(::read)
        } finally {
            lines.close()
        }
    }

    operator fun get(at: Int) = if (deep == null) byte(bytes, at) else deep[at].toInt() shr 8 and 255

    private fun read(pass: PngHeader.Pass) {
        val width = (header.width - pass.left + pass.right - 1) / pass.right
        val height = (header.height - pass.top + pass.down - 1) / pass.down
        if (width < 1 || height < 1) return
        val bits = header.depth * header.channels
        val length = (width.toLong() * bits + 7) / 8
        var line = ByteArray(length.toInt() + 1)
        var above = ByteArray(line.size)
        for (y in 0 until height) {
            lines.read(line, line.size)
            unfilter(line, above, maxOf(bits / 8, 1))
            keep(line, width, pass, (pass.top + y * pass.down) * header.width)
            line = above.also { above = line }
        }
    }

    /** Undo the line's filter, whose number is its first byte; see the PNG specification, 9.2. */
    private fun unfilter(line: ByteArray, above: ByteArray, step: Int) {
        val filter = line[0].toInt()
        if (filter !in 0..4) throw lines.damaged()
        line[0] = 0
        if (filter == 0) return
        for (i in 1 until line.size) {
            val left = if (i > step) byte(line, i - step) else 0
            val up = byte(above, i)
            val guess = when (filter) {
                1 -> left
                2 -> up
                3 -> (left + up) / 2
                else -> paeth(left, up, if (i > step) byte(above, i - step) else 0)
            }
            line[i] = (line[i] + guess).toByte()
        }
    }

    private fun paeth(left: Int, up: Int, corner: Int): Int {
        val estimate = left + up - corner
        val toLeft = abs(estimate - left)
        val toUp = abs(estimate - up)
        val toCorner = abs(estimate - corner)
        return if (toLeft <= toUp && toLeft <= toCorner) left else if (toUp <= toCorner) up else corner
    }

    private fun keep(line: ByteArray, width: Int, pass: PngHeader.Pass, row: Int) {
        for (x in 0 until width) {
            val pixel = row + pass.left + x * pass.right
            for (channel in 0 until header.channels) {
                val place = x * header.channels + channel
                when {
                    deep != null -> deep[pixel] = (byte(line, 1 + 2 * place) shl 8 or byte(line, 2 + 2 * place)).toShort()
                    header.depth == 16 -> bytes[pixel * header.channels + channel] = line[1 + 2 * place]
                    header.depth == 8 -> bytes[pixel * header.channels + channel] = line[1 + place]
                    else -> bytes[pixel] = narrow(line, place).toByte()
                }
            }
        }
    }

    /** A level of 1, 2 or 4 bits; of gray as its share of 255. */
    private fun narrow(line: ByteArray, place: Int): Int {
        val bit = place * header.depth
        val most = (1 shl header.depth) - 1
        val level = byte(line, 1 + bit / 8) shr (8 - header.depth - bit % 8) and most
        return if (header.type == 0) level * (255 / most) else level
    }
}
