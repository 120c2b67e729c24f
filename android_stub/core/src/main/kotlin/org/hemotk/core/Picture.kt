package org.hemotk.core

/** Decoded colours, any row as often as wanted: not premultiplied ARGB, as `Color` of Android has it. */
interface Rows {
    val width: Int
    val height: Int

    fun read(y: Int, argb: IntArray)
}

/** A decoded picture: its [gray], and its [colours] as red, green and blue row by row, or null where it has none. */
class Picture(val gray: Gray, val colours: ByteArray?) {
    /** The picture as EXIF [orientation] wants it seen. */
    fun oriented(orientation: Int): Picture {
        val planes = colours?.let { bytes -> List(3) { plane(bytes, it).oriented(orientation).bytes } }
        return Picture(gray.oriented(orientation), planes?.let(::interleaved))
    }

    /** One channel of the colours: 0 is red, 1 green, 2 blue. */
    fun channel(index: Int): Gray = plane(checkNotNull(colours), index)

    private fun plane(bytes: ByteArray, index: Int) =
        Gray(gray.width, gray.height, ByteArray(gray.bytes.size) { bytes[3 * it + index] })

    private fun interleaved(planes: List<ByteArray>) = ByteArray(3 * planes[0].size) { planes[it % 3][it / 3] }

    companion object {
        /** Gray by the pixel contract; colours are kept only where a pixel has one. */
        fun of(rows: Rows, where: String): Picture {
            checkSize(rows.width, rows.height, where)
            val row = IntArray(rows.width)
            val gray = Gray.black(rows.width, rows.height)
            var seen = 0 // the union of all opacities, and of all colours
            var coloured = false
            for (y in 0 until rows.height) {
                rows.read(y, row)
                gray.setRow(y, row)
                for (argb in row) seen = seen or argb
                coloured = coloured || row.any { it and 255 != (it shr 8 and 255) || it and 255 != (it shr 16 and 255) }
            }
            if (seen ushr 24 == 0 && seen and 0xFFFFFF != 0) throw HemotkException(Problem.WHOLLY_TRANSPARENT, where)
            return Picture(gray, if (coloured) colours(rows, row) else null)
        }

        private fun colours(rows: Rows, row: IntArray): ByteArray {
            val bytes = ByteArray(Math.multiplyExact(3, rows.width * rows.height))
            var at = 0
            for (y in 0 until rows.height) {
                rows.read(y, row)
                for (argb in row) for (shift in 16 downTo 0 step 8) bytes[at++] = (argb shr shift).toByte()
            }
            return bytes
        }
    }
}
