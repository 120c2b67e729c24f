package org.hemotk.core

import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import java.io.DataInputStream

class PngTest {
    private class Case(val name: String, val file: ByteArray, val offset: Int?, val problem: String, val gray: Gray?)

    private fun DataInputStream.case(): Case {
        val name = readUTF()
        val file = bytes(readInt())
        val offset = readInt().takeIf { it != Int.MIN_VALUE }
        val problem = readUTF()
        if (problem.isNotEmpty()) return Case(name, file, offset, problem, null)
        val width = readInt()
        val height = readInt()
        return Case(name, file, offset, problem, Gray(width, height, bytes(width * height)))
    }

    private val cases = vectors("pngs.bin") { List(readInt()) { case() }.also { assertEquals(-1, read()) } }

    private fun decoded(case: Case, file: ByteArray = case.file) =
        decodePng(file, Preprocess(SIZE, 0.02, 115, Window(35.5, 90.0), case.offset), case.name)

    @Test
    fun pngs_become_the_gray_that_python_makes_of_them_whatever_their_gamma_and_profile() {
        val read = cases.filter { it.gray != null }
        assertTrue("${read.size}", read.size > 70)
        for (case in read) {
            val found = decoded(case).gray
            assertEquals(case.name, case.gray!!.width to case.gray.height, found.width to found.height)
            assertArrayEquals(case.name, case.gray.bytes, found.bytes)
        }
    }

    @Test
    fun what_is_refused_says_why() {
        val refused = cases.filter { it.gray == null }
        assertTrue("${refused.size}", refused.size > 10)
        for (case in refused) {
            val error = assertThrows(case.name, HemotkException::class.java) { decoded(case) }
            assertEquals(case.name, case.problem, error.problem.name)
        }
    }

    private val small = cases.first { it.name == "type 2 depth 8 interlaced False transparent False" }

    @Test
    fun a_png_that_was_cut_short_anywhere_is_refused() {
        for (length in PNG_START.size until small.file.size) {
            assertThrows("$length", HemotkException::class.java) { decoded(small, small.file.copyOf(length)) }
        }
    }

    @Test
    fun a_png_with_a_changed_byte_is_refused() {
        for (at in PNG_START.size until small.file.size) {
            val changed = small.file.copyOf().also { it[at] = (it[at].toInt() xor 4).toByte() }
            assertThrows("$at", HemotkException::class.java) { decoded(small, changed) }
        }
    }

    @Test
    fun noise_after_the_first_bytes_is_refused_and_nothing_else_happens() {
        val random = java.util.Random(1)
        repeat(300) {
            val noise = ByteArray(200).also(random::nextBytes)
            assertThrows(HemotkException::class.java) { decoded(small, PNG_START + noise) }
            val damaged = small.file.copyOf().also { file -> repeat(3) { file[random.nextInt(file.size)] = noise[it] } }
            try {
                decoded(small, damaged)
            } catch (error: HemotkException) {
                assertEquals(Problem.NO_PICTURE, error.problem)
            }
        }
    }

    @Test
    fun colours_are_kept_where_there_are_some() {
        val gray = cases.first { it.name == "type 4 depth 8 interlaced False transparent False" }
        assertEquals(null, decoded(gray).colours)
        val picture = decoded(small)
        val pixel = picture.gray.width + 1
        val (red, green, blue) = List(3) { byte(picture.channel(it).bytes, pixel) }
        assertEquals(byte(picture.gray.bytes, pixel), grayOf(255 shl 24 or (red shl 16) or (green shl 8) or blue))
    }
}
