package org.hemotk.app

import org.hemotk.core.HemotkException
import org.hemotk.core.Problem
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Test
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** Pictures that claim more than is read of them. */
class LimitsTest : BundleCase() {
    private val preprocess = only.open().card.preprocess

    /** The header of a BMP with 24 bits a pixel, and a few of its pixels: to a decoder it is a file that was cut short. */
    private fun bmp(width: Int, height: Int): ByteArray = ByteBuffer.allocate(54 + 999).order(ByteOrder.LITTLE_ENDIAN).apply {
        put("BM".toByteArray()).putInt(54 + 3 * width * height).putInt(0).putInt(54)
        putInt(40).putInt(width).putInt(height).putShort(1).putShort(24)
    }.array()

    private fun problem(file: ByteArray) =
        assertThrows(HemotkException::class.java) { decode(file, preprocess, "picture") }.problem

    @Test
    fun a_size_beyond_the_limits_is_refused_before_any_pixel_is_looked_for() {
        assertEquals(Problem.PICTURE_TOO_LARGE, problem(bmp(8000, 5001)))
        assertEquals(Problem.PICTURE_TOO_LARGE, problem(bmp(12_001, 64)))
        assertEquals(Problem.PICTURE_TOO_SMALL, problem(bmp(3, 3)))
        assertEquals(Problem.NO_PICTURE, problem(bmp(800, 500)))
    }
}
