package org.hemotk.core

const val MAX_PIXELS = 40_000_000
const val MAX_SIDE = 12_000
const val MIN_SIDE = 16

/** A gray picture: [bytes] row by row, 0 black to 255 white. */
class Gray(val width: Int, val height: Int, val bytes: ByteArray) {
    init {
        require(bytes.size == width * height) { "${bytes.size} bytes for $width×$height pixels" }
    }

    /** One row, filled from decoded colours: not premultiplied ARGB, as `Color` of Android has it. */
    fun setRow(y: Int, argb: IntArray) {
        val start = y * width
        for (x in 0 until width) bytes[start + x] = grayOf(argb[x]).toByte()
    }

    /** The picture as EXIF [orientation] wants it seen: 1 to 8; any other value changes nothing. */
    fun oriented(orientation: Int): Gray {
        if (orientation !in 2..8) return this
        val turned = orientation >= 5
        val seen = if (turned) black(height, width) else black(width, height)
        val mirrorX = orientation in RIGHT
        val mirrorY = orientation in BELOW
        for (y in 0 until seen.height) {
            for (x in 0 until seen.width) {
                val atX = if (mirrorX) seen.width - 1 - x else x
                val atY = if (mirrorY) seen.height - 1 - y else y
                seen.bytes[y * seen.width + x] = bytes[if (turned) atX * width + atY else atY * width + atX]
            }
        }
        return seen
    }

    companion object {
        // Where the first stored pixel is seen.
        private val RIGHT = setOf(2, 3, 6, 7)
        private val BELOW = setOf(3, 4, 7, 8)

        /** A black picture, to be filled by [setRow]. */
        fun black(width: Int, height: Int) = Gray(width, height, ByteArray(width * height))
    }
}

/** Refuse pictures that the Python side refuses: over 40 megapixels, a side over 12,000 or under 16 pixels. */
fun checkSize(width: Int, height: Int, where: String) {
    if (width.toLong() * height > MAX_PIXELS || maxOf(width, height) > MAX_SIDE) {
        throw HemotkException(Problem.PICTURE_TOO_LARGE, where)
    }
    if (minOf(width, height) < MIN_SIDE) throw HemotkException(Problem.PICTURE_TOO_SMALL, where)
}

/** ITU-R 601-2 gray in integers, transparency composited over black before. */
fun grayOf(argb: Int): Int {
    val alpha = argb ushr 24
    val red = overBlack(argb shr 16 and 255, alpha)
    val green = overBlack(argb shr 8 and 255, alpha)
    val blue = overBlack(argb and 255, alpha)
    return (red * 19595 + green * 38470 + blue * 7471 + 32768) shr 16
}

private fun overBlack(value: Int, alpha: Int) = (value * alpha + 127) / 255
