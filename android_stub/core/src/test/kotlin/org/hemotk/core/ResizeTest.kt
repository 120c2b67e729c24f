package org.hemotk.core

import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import java.io.File

/** 200 pictures become the pixels that Python makes of them, on any machine; this test goes with the project. */
class ResizeTest {
    private val folder = File(System.getProperty("hemotk.assets"), "../../../../core/src/test/vectors")

    @Test
    fun pictures_become_the_pixels_that_python_makes_of_them() {
        val files = folder.listFiles().orEmpty().filter { it.name.startsWith("resize-") }
        assertTrue("$folder", files.isNotEmpty())
        files.forEach(::check)
    }

    private fun check(file: File) {
        val said = Json.parse(file.readText()) as Map<*, *>
        val size = (said["size"] as Long).toInt()
        val pictures = (said["pictures"] as List<*>).map { it as Map<*, *> }
        assertEquals(200, pictures.size)
        for (picture in pictures) {
            val (width, height, seed) = listOf("width", "height", "seed").map { (picture[it] as Long).toInt() }
            val gray = Gray(width, height, ByteArray(width * height) { noise(it, seed) })
            assertEquals("$width×$height, $seed", picture["pixels"], sha256(toPixels(gray, size)))
        }
    }

    private fun noise(at: Int, seed: Int): Byte {
        val mixed = (at + seed * 7919) * 0x9E3779B1.toInt()
        return ((mixed xor (mixed ushr 15)) * 0x85EBCA77.toInt() ushr 24).toByte()
    }
}
