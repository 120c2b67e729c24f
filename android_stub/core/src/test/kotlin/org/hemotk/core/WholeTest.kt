package org.hemotk.core

import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test

class WholeTest {
    private val files = vectors("files.bin") { List(readInt()) { bytes(readInt()) } }

    @Test
    fun whole_files_are_whole() {
        for (file in files) assertTrue(isWhole(file.inputStream()))
    }

    @Test
    fun a_file_that_was_cut_short_anywhere_is_not() {
        for (file in files) {
            for (length in file.indices) assertFalse("$length of ${file.size}", isWhole(file.copyOf(length).inputStream()))
        }
    }

    @Test
    fun a_png_with_a_changed_byte_is_not() {
        val png = files.first()
        for (at in png.indices) {
            val changed = png.copyOf().also { it[at] = (it[at].toInt() xor 4).toByte() }
            assertFalse("byte $at", isWhole(changed.inputStream()))
        }
    }
}
