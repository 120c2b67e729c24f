package org.hemotk.core

import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test

class PlausibleTest {
    @Test
    fun pictures_are_measured_and_doubted_as_python_does() {
        val seen = HashSet<Doubt>()
        vectors("looks.bin") {
            repeat(readInt()) { index ->
                val looks = Looks.of(decodePng(bytes(readInt()), Preprocess(SIZE, 0.02, 115), "$index"))
                val names = listOf("coloured", "corner", "contrast", "aspect", "outline", "hollow")
                val found = listOf(looks.coloured, looks.corner, looks.contrast, looks.aspect, looks.outline, looks.hollow)
                for ((name, value) in names.zip(found)) assertEquals("$index: $name", readDouble(), value, 1e-9)
                val bits = readInt()
                assertEquals("$index", Doubt.values().filter { bits shr it.ordinal and 1 == 1 }, looks.doubts())
                seen.addAll(looks.doubts())
            }
            assertEquals(-1, read())
        }
        assertEquals(Doubt.values().toSet(), seen)
    }

    @Test
    fun each_limit_is_where_python_has_it() {
        fun doubts(coloured: Double = 0.0, corner: Double = 0.0, contrast: Double = 250.0, aspect: Double = 1.0,
                   outline: Double = 0.9, hollow: Double = 0.1) = Looks(coloured, corner, contrast, aspect, outline, hollow).doubts()
        assertTrue(doubts(coloured = 0.1, corner = 0.4, contrast = 100.0, aspect = 2.0, outline = 0.4).isEmpty())
        assertEquals(listOf(Doubt.CONTRAST), doubts(contrast = 99.9, corner = 1.0))
        assertEquals(listOf(Doubt.COLOUR), doubts(coloured = 0.101))
        assertEquals(listOf(Doubt.NARROW), doubts(aspect = 2.01))
        assertEquals(listOf(Doubt.CORNERS), doubts(corner = 0.401))
        assertEquals(listOf(Doubt.NO_SKULL), doubts(outline = 0.399))
        assertEquals(listOf(Doubt.NO_SKULL), doubts(outline = 0.5, hollow = 0.36))
    }
}
