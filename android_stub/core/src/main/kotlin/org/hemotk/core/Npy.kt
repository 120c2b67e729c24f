package org.hemotk.core

import java.io.EOFException
import java.io.IOException
import java.io.InputStream
import java.util.zip.ZipInputStream

/** An array file of uint8 images [count, size, size], read one after the other from [stream]. */
internal class Npy(private val stream: InputStream, private val where: String, private val size: Int) {
    val count: Int

    init {
        val header = HEADER.matchEntire(header()) ?: throw wrong()
        val shape = header.groupValues[1].split(',').map { it.trim().toIntOrNull() ?: throw wrong() }
        if (shape.size != 3 || shape[1] != size || shape[2] != size) throw wrong()
        count = shape[0]
    }

    fun forEach(use: (ByteArray) -> Unit) {
        for (row in 0 until count) use(exactly(size * size))
    }

    fun check(holds: Boolean) {
        if (!holds) throw wrong()
    }

    /** The text of the header; see numpy.lib.format. */
    private fun header(): String {
        val start = exactly(MAGIC.size + 2)
        check(MAGIC.indices.all { start[it] == MAGIC[it] })
        val wide = start[MAGIC.size] > 1
        val length = exactly(if (wide) 4 else 2).foldRight(0) { byte, sum -> sum * 256 + (byte.toInt() and 255) }
        check(length in 1..LONGEST)
        return String(exactly(length), Charsets.ISO_8859_1).trim()
    }

    private fun exactly(length: Int): ByteArray {
        val bytes = ByteArray(length)
        var have = 0
        try {
            while (have < length) {
                val read = stream.read(bytes, have, length - have)
                if (read < 0) throw EOFException()
                have += read
            }
        } catch (error: IOException) {
            throw HemotkException(Problem.UNREADABLE_CARD, where, error)
        }
        return bytes
    }

    private fun wrong() = HemotkException(Problem.UNREADABLE_CARD, where)

    companion object {
        private val MAGIC = byteArrayOf(0x93.toByte()) + "NUMPY".toByteArray(Charsets.US_ASCII)
        private const val LONGEST = 10_000
        private val HEADER =
            Regex("""\{'descr': '\|u1', 'fortran_order': False, 'shape': \(([0-9, ]+[0-9]),?\), *\}""")

        /** The images of the array [entry] in an .npz. */
        fun fromZip(stream: InputStream, entry: String, where: String, size: Int): List<ByteArray> =
            ZipInputStream(stream).use { zip ->
                generateSequence { zip.nextEntry }.firstOrNull { it.name == entry }
                    ?: throw HemotkException(Problem.UNREADABLE_CARD, "$where: $entry")
                ArrayList<ByteArray>().apply { Npy(zip, where, size).forEach { add(it) } }
            }
    }
}
