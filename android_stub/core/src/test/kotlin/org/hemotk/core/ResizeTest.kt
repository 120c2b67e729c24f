package org.hemotk.core

import org.junit.Assert.assertEquals
import org.junit.Test
import java.io.File

/** 200 pictures become the pixels that Python makes of them, on any machine; this test goes with the project. */
class ResizeTest {
    private val file = File(System.getProperty("hemotk.golden"), "../../../../../core/src/test/vectors/resize.json")

    @Test
    fun pictures_become_the_pixels_that_python_makes_of_them() {
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
