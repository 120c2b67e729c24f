package org.hemotk.core

import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import java.io.DataInputStream

class DicomTest {
    private class Case(val name: String, val file: ByteArray, val problem: String, val corrected: Boolean, val gray: Gray?)

    private fun DataInputStream.case(): Case {
        val name = readUTF()
        val file = bytes(readInt())
        val problem = readUTF()
        if (problem.isNotEmpty()) return Case(name, file, problem, false, null)
        val corrected = readByte() == 1.toByte()
        val width = readInt()
        val height = readInt()
        return Case(name, file, problem, corrected, Gray(width, height, bytes(width * height)))
    }

    private val cases = vectors("dicoms.bin") { List(readInt()) { case() }.also { assertEquals(-1, read()) } }
    private val window = Window(35.5, 90.0)

    @Test
    fun slices_become_the_gray_that_python_makes_of_them() {
        val read = cases.filter { it.gray != null }
        assertTrue("${read.size}", read.size > 35 && read.count { it.corrected } == 11)
        for (case in read) {
            assertTrue(case.name, isDicom(case.file))
            val found = decodeDicom(case.file, window, case.name)
            assertEquals(case.name, case.gray!!.width to case.gray.height, found.gray.width to found.gray.height)
            assertArrayEquals(case.name, case.gray.bytes, found.gray.bytes)
            assertEquals(case.name, case.corrected, found.corrected)
        }
    }

    @Test
    fun what_is_refused_says_why() {
        val refused = cases.filter { it.gray == null }
        assertTrue("${refused.size}", refused.size > 20)
        for (case in refused) {
            val error = assertThrows(case.name, HemotkException::class.java) { decodeDicom(case.file, window, case.name) }
            assertEquals(case.name, case.problem, error.problem.name)
        }
    }

    @Test
    fun a_slice_that_was_cut_short_anywhere_is_refused() {
        for (name in listOf("sequences, undefined length True, {}", "elements alone, explicit False", "without preamble")) {
            val file = cases.single { it.name == name }.file
            for (length in (0 until 1200) + (file.size - 3 until file.size)) {
                val short = file.copyOf(length)
                if (!isDicom(short)) continue
                assertThrows("$name: $length", HemotkException::class.java) { decodeDicom(short, window, name) }
            }
        }
    }

    /** Where Python refuses, the app does; where both read, they read the same; where the app alone refuses, it is careful. */
    @Test
    fun damaged_files_are_refused_or_read_as_python_reads_them() {
        var both = 0
        var stricter = 0
        vectors("damaged.bin") {
            repeat(readInt()) { number ->
                val file = bytes(readInt())
                val said = bytes(readInt())
                val found = try {
                    if (isDicom(file)) decodeDicom(file, window, "$number").gray.bytes else ByteArray(0)
                } catch (error: HemotkException) {
                    ByteArray(0)
                }
                if (found.isNotEmpty()) assertArrayEquals("file $number", said, found).also { both++ }
                if (said.isNotEmpty() && found.isEmpty()) stricter++
            }
        }
        assertTrue("$both read, $stricter by Python alone", both > 100 && stricter < 60)
        println("$both damaged files are read alike, $stricter by Python alone")
    }

    @Test
    fun the_card_s_window_is_what_a_slice_is_seen_through() {
        val file = cases.single { it.name == "a ramp of Hounsfield units" }.file
        val (narrow, wide) = listOf(80.0, 2000.0).map { decodeDicom(file, Window(40.0, it), "a").gray.bytes }
        assertTrue(narrow.toSet().size > 60 && wide.toSet().size > 200 && !narrow.contentEquals(wide))
    }

    @Test
    fun other_files_are_no_dicom() {
        for (file in listOf(ByteArray(0), ByteArray(131), ByteArray(400), "no picture at all, but some text".toByteArray())) {
            assertFalse(isDicom(file))
        }
    }
}
