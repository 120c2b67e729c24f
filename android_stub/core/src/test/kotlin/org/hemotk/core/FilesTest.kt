package org.hemotk.core

import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test

class FilesTest {
    private class Turned(val orientation: Int, val file: ByteArray, val plain: ByteArray)

    private class Wrong(val name: String, val file: ByteArray, val problem: String)

    private lateinit var webp: ByteArray
    private lateinit var wrong: List<Wrong>
    private val jpegs = vectors("jpegs.bin") {
        val turned = List(readInt()) { Turned(readInt(), bytes(readInt()), bytes(readInt())) }
        wrong = List(readInt()) { Wrong(readUTF(), bytes(readInt()), readUTF()) }
        webp = bytes(readInt())
        turned.also { assertEquals(-1, read()) }
    }

    @Test
    fun a_jpeg_loses_its_profile_alone_and_keeps_its_orientation() {
        assertEquals(3, jpegs.size)
        for (jpeg in jpegs) {
            assertEquals(FileKind.JPEG, fileKind(jpeg.file))
            assertTrue(jpeg.file.size > jpeg.plain.size)
            val prepared = prepare(jpeg.file, FileKind.JPEG, "a.jpg")
            assertArrayEquals(jpeg.plain, prepared.bytes)
            assertEquals(jpeg.orientation, prepared.orientation)
        }
    }

    @Test
    fun a_webp_keeps_its_orientation() {
        assertEquals(FileKind.WEBP, fileKind(webp))
        assertEquals(5, prepare(webp, FileKind.WEBP, "a.webp").orientation)
    }

    @Test
    fun what_readers_differ_about_or_is_no_single_whole_picture_is_refused() {
        assertTrue(wrong.size >= 7)
        for (case in wrong) {
            val kind = fileKind(case.file)!!
            val error = assertThrows(case.name, HemotkException::class.java) { prepare(case.file, kind, case.name) }
            assertEquals(case.name, case.problem, error.problem.name)
        }
    }

    @Test
    fun a_jpeg_that_was_cut_short_anywhere_has_no_end() {
        val file = jpegs[0].plain
        assertTrue(endsAsJpeg(file))
        assertTrue(endsAsJpeg(file + ByteArray(7)))
        for (length in file.indices) assertFalse("$length of ${file.size}", endsAsJpeg(file.copyOf(length)))
    }

    @Test
    fun other_files_are_of_no_kind() {
        for (text in listOf("", "BMX".drop(1), "RIFF....WAVE", "GIF88a", "\u0089PNG")) {
            assertEquals(text, null, fileKind(text.toByteArray(Charsets.ISO_8859_1)))
        }
    }

    @Test
    fun damaged_headers_are_refused_and_nothing_else_happens() {
        val random = java.util.Random(2)
        for ((kind, file) in listOf(FileKind.JPEG to jpegs[1].file, FileKind.WEBP to webp)) {
            repeat(500) {
                val damaged = file.copyOf().also { bytes -> repeat(4) { bytes[random.nextInt(120)] = random.nextInt().toByte() } }
                try {
                    prepare(damaged, kind, "a")
                } catch (error: HemotkException) {
                    assertTrue(error.problem in setOf(Problem.NO_PICTURE, Problem.UNUSUAL_COLOURS, Problem.SEVERAL_FRAMES))
                }
            }
        }
    }
}
