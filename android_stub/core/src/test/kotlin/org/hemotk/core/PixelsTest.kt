package org.hemotk.core

import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Test

class PixelsTest {
    @Test
    fun pictures_become_the_bytes_that_python_makes_of_them() = vectors("pictures.bin") {
        val count = readInt()
        assertEquals(200, count)
        repeat(count) {
            val name = readUTF()
            val orientation = readInt()
            val gray = Gray.black(readInt(), readInt())
            for (y in 0 until gray.height) gray.setRow(y, ints(gray.width))
            val size = readInt()
            assertArrayEquals(name, bytes(size * size), toPixels(gray.oriented(orientation), size))
        }
        assertEquals(-1, read())
    }

    @Test
    fun a_maps_picture_is_the_one_that_python_draws() = vectors("maps.bin") {
        repeat(readInt()) { index ->
            val size = readInt()
            val width = readInt()
            val height = readInt()
            val cam = Cam(readInt(), readInt(), FloatArray(0))
            val gray = Gray(width, height, bytes(width * height))
            val values = FloatArray(cam.width * cam.height) { readDouble().toFloat() }
            val drawn = heatmap(gray, Cam(cam.width, cam.height, values), size)
            assertArrayEquals("map $index", ints(width * height), drawn)
        }
        assertEquals(-1, read())
    }

    @Test
    fun sizes_outside_the_limits_are_refused() {
        checkSize(8000, 5000, "at the limit")
        checkSize(12000, 16, "as long and as narrow as may be")
        val refused = mapOf(
            (8000 to 5001) to Problem.PICTURE_TOO_LARGE,
            (12001 to 16) to Problem.PICTURE_TOO_LARGE,
            (100_000 to 100_000) to Problem.PICTURE_TOO_LARGE,
            (15 to 100) to Problem.PICTURE_TOO_SMALL,
        )
        for ((size, problem) in refused) {
            val error = assertThrows(HemotkException::class.java) { checkSize(size.first, size.second, "a.png") }
            assertEquals(problem, error.problem)
        }
    }
}
