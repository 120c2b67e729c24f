package org.hemotk.core

import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import java.io.File

/** The golden PNGs of every model become the recorded pixels, on any machine; this test goes with the project. */
class GoldenPixelsTest {
    @Test
    fun golden_pngs_become_the_recorded_pixels() {
        val sets = File(System.getProperty("hemotk.assets")).walk().filter { it.name == "selfcheck" }.toList()
        assertTrue(sets.isNotEmpty())
        sets.forEach(::check)
    }

    private fun check(folder: File) {
        val card = Card.parse(File(folder, "../bundle/${Card.FILE}").readText())
        val size = card.preprocess.size
        val said = Json.parse(File(folder, "selfcheck.json").readText()) as Map<*, *>
        val names = (said["pictures"] as List<*>).map { (it as Map<*, *>)["file"] as String }
        var seen = 0
        Npy(File(folder, "pixels.npy").inputStream().buffered(), "pixels.npy", size).forEach { pixels ->
            val name = names[seen++]
            if (name.endsWith(".png")) {
                val picture = decodePng(File(folder, name).readBytes(), card.preprocess, name)
                assertArrayEquals(name, pixels, toPixels(picture.gray, size))
            }
        }
        assertTrue(names.toString(), seen == names.size && names.count { it.endsWith(".png") } >= 2)
    }
}
