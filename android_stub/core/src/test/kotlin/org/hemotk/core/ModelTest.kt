package org.hemotk.core

import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Test
import java.nio.ByteBuffer
import java.nio.ByteOrder

class ModelTest {
    /** A model of which each output is given as bytes; it remembers what it was fed, and whether it is open. */
    private class Fake(private val outputs: Map<String, ByteArray>) : Runtime {
        override val name = "fake"
        override val version = "1"
        override val delegate = "none"
        var fed = ByteArray(0)
        var open = 0

        override fun open(variant: Variant, threads: Int): Network {
            open++
            return object : Network {
                override fun feed(stored: ByteArray) {
                    fed = stored
                }

                override fun invoke() = Unit

                override fun read(name: String) = outputs.getValue(name)

                override fun close() {
                    open--
                }
            }
        }
    }

    private fun bytes(vararg values: Int) = ByteArray(values.size) { values[it].toByte() }

    private fun floats(vararg values: Float): ByteArray =
        ByteBuffer.allocate(4 * values.size).order(ByteOrder.LITTLE_ENDIAN).apply { values.forEach { putFloat(it) } }.array()

    private val picture = Picture(Gray(SIZE, SIZE, ByteArray(SIZE * SIZE) { (it * 3).toByte() }), null)

    private fun bundle(change: (String) -> String = { it }, files: (Map<String, ByteArray>) -> Map<String, ByteArray> = { it }) =
        Bundle(MemoryFolder(files(bundleFiles(change))))

    @Test
    fun a_logit_becomes_probability_and_verdict_and_the_pixels_are_fed_as_they_are() {
        for ((stored, label) in listOf(100 to 1, 99 to 0, 255 to 1, 0 to 0)) {
            val runtime = Fake(mapOf("logit" to bytes(stored)))
            val finding = Model(bundle(), runtime, 1).use { it.look(picture) }
            assertEquals(0.5 * (stored - 100), finding.logit, 0.0)
            assertEquals(sigmoid(0.25 * (stored - 100)), finding.probability, 0.0)
            assertEquals(listOf("normal", "hemorrhage")[label], finding.verdict)
            assertEquals(label, finding.label)
            assertEquals(null, finding.cam)
            assertArrayEquals(picture.gray.bytes, runtime.fed)
            assertEquals(0, runtime.open)
        }
    }

    private val float = { card: String ->
        card.replace(Regex(""""name": "(logit|probability)", "dtype": "uint8", "shape": \[1, 1\], "scale": [0-9.]+, "zero_point": [0-9]+""")) {
            """"name": "${it.groupValues[1]}", "dtype": "float32", "shape": [1, 1], "scale": 0.0, "zero_point": 0"""
        }
    }

    @Test
    fun outputs_may_be_floats() {
        val finding = Model(bundle(float), Fake(mapOf("logit" to floats(-1.25f))), 1).use { it.look(picture) }
        assertEquals(-1.25, finding.logit, 0.0)
    }

    @Test
    fun what_is_no_number_gets_no_verdict() {
        for (value in listOf(Float.NaN, Float.POSITIVE_INFINITY)) {
            Model(bundle(float), Fake(mapOf("logit" to floats(value))), 1).use {
                val error = assertThrows(HemotkException::class.java) { it.look(picture) }
                assertEquals(Problem.BROKEN_MODEL, error.problem)
            }
        }
    }

    @Test
    fun a_map_has_its_height_and_width_and_its_real_values() {
        val cam = """, {"name": "cam", "dtype": "uint8", "shape": [1, 2, 3, 1], "scale": 0.5, "zero_point": 10}]}]"""
        val bundle = bundle({ it.replace("}]}]", "}$cam") })
        val runtime = Fake(mapOf("logit" to bytes(100), "cam" to bytes(10, 12, 8, 0, 200, 255)))
        val map = Model(bundle, runtime, 1).use { it.look(picture) }.cam!!
        assertEquals(3 to 2, map.width to map.height)
        assertArrayEquals(floatArrayOf(0f, 1f, -1f, -5f, 95f, 122.5f), map.values, 0f)
    }

    @Test
    fun a_changed_model_is_not_opened() {
        val runtime = Fake(emptyMap())
        val changed = bundle(files = { it + ("model.tflite" to "another".toByteArray()) })
        val error = assertThrows(HemotkException::class.java) { Model(changed, runtime, 1) }
        assertEquals(Problem.WRONG_CHECKSUM, error.problem)
        assertEquals(0, runtime.open)
    }

    @Test
    fun a_model_of_other_input_is_refused_and_closed() {
        val input = """"pixels", "dtype": "uint8", "shape": [1, 16, 16, 1], "scale": 0.02, "zero_point": 115"""
        val wrong = listOf(
            input.replace("[1, 16, 16, 1]", "[1, 16, 16, 3]"),
            input.replace("[1, 16, 16, 1]", "[1, 17, 16, 1]"),
            input.replace("0.02", "0.0200001"),
            input.replace("115", "114"),
        )
        for (other in wrong) {
            val runtime = Fake(emptyMap())
            val error = assertThrows(other, HemotkException::class.java) { Model(bundle({ it.replace(input, other) }), runtime, 1) }
            assertEquals(Problem.UNUSABLE_MODEL, error.problem)
            assertEquals(0, runtime.open)
        }
    }

    @Test
    fun doubts_go_with_the_verdict() {
        val runtime = Fake(mapOf("logit" to bytes(100)))
        val flat = Picture(Gray(SIZE, SIZE, ByteArray(SIZE * SIZE)), null)
        assertEquals(listOf(Doubt.CONTRAST), Model(bundle(), runtime, 1).use { it.look(flat) }.doubts)
    }

    private fun set(change: (String) -> String = { it }, pixels: ByteArray = picture.gray.bytes): Map<String, ByteArray> {
        val model = sha256("a model".toByteArray())
        val card = """{"schema": "hemotk.selfcheck/1", "model": "$model", "card": "${bundle().cardSha256}",
            "tolerance": 1.0, "map_tolerance": 1.0,
            "pictures": [{"file": "0.png", "levels": 0, "logit": 5.0, "map": []}]}"""
        return mapOf("selfcheck.json" to change(card).toByteArray(), "pixels.npy" to npy(listOf(pixels)), "0.png" to ByteArray(1))
    }

    private fun check(files: Map<String, ByteArray>, stored: Int = 110, decoded: Picture = picture): SelfCheck {
        val bundle = bundle()
        return Model(bundle, Fake(mapOf("logit" to bytes(stored))), 1).use { model ->
            GoldenSet(MemoryFolder(files), bundle).check(model) { _, _ -> decoded }
        }
    }

    @Test
    fun a_golden_set_passes_within_its_tolerance_alone() {
        val brighter = Picture(Gray(SIZE, SIZE, picture.gray.bytes.copyOf().also { it[7]++ }), null)
        assertEquals(listOf(true, true, true, false, false), listOf(110, 112, 108, 113, 107).map { check(set(), it).passed })
        assertEquals(false, check(set(), decoded = brighter).passed)
        assertEquals(1, check(set(), decoded = brighter).pictures.single().levels)
        assertEquals(false, check(set({ it.replace("\"map\": []", "\"map\": [1.0]") })).passed)
        assertEquals(false, SelfCheck(emptyList(), 1.0, 1.0).passed)
        for (nan in listOf(CheckedPicture("a", 0, 0, Double.NaN, 0.0), CheckedPicture("a", 0, 0, 0.0, Double.NaN))) {
            assertEquals(false, SelfCheck(listOf(nan), 1.0, 1.0).passed)
        }
    }

    @Test
    fun a_check_becomes_a_file_of_outputs_or_says_which_picture_failed() {
        val passed = SelfCheck(listOf(CheckedPicture("a.png", 0, 0, 1.0, 0.0)), 1.0, 1.0)
        val far = CheckedPicture("b.jpg", 3, 2, 0.0, 0.0)
        val refused = SelfCheck(passed.pictures + far, 1.0, 1.0)
        val pixels = picture.gray.bytes
        Model(bundle(), Fake(mapOf("logit" to bytes(7), "probability" to bytes(250))), 1).use { model ->
            val said = checkedModel(model, listOf(pixels), passed)
            val image = said.images.single()
            assertEquals(listOf("0", sha256(pixels), "07", "fa"), listOf(image.id, image.inputSha256, image.logit, image.probability))
            assertEquals("" to 0, said.failure to said.roundsNs.size)
            val not = checkedModel(model, listOf(pixels), refused)
            assertEquals("the device did not pass its own check (b.jpg)" to 0, not.failure to not.images.size)
        }
    }

    @Test
    fun a_golden_set_of_another_model_or_with_something_missing_is_refused() {
        val wrong = listOf(
            set({ it.replace("\"model\": \"", "\"model\": \"0") }),
            set({ it.replace("\"tolerance\": 1.0", "\"tolerance\": 0") }),
            set({ it.replace("}]", "}, {\"file\": \"1.png\", \"levels\": 0, \"logit\": 5.0, \"map\": []}]") }),
            set() - "selfcheck.json",
        )
        for (files in wrong) assertThrows(HemotkException::class.java) { check(files) }
        val changed = assertThrows(HemotkException::class.java) { check(set({ it.replace("\"card\": \"", "\"card\": \"0") })) }
        assertEquals(listOf(Problem.WRONG_CHECKSUM, "bundle.json"), listOf(changed.problem, changed.where))
    }
}
