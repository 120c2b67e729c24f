package org.hemotk.core

import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test

class BundleTest {
    private fun refused(problem: Problem, where: String, act: () -> Unit) {
        val error = assertThrows(HemotkException::class.java) { act() }
        assertEquals(problem, error.problem)
        assertTrue(error.where, where in error.where)
    }

    @Test
    fun a_whole_bundle_is_read() {
        val bundle = Bundle(MemoryFolder(bundleFiles()))
        assertEquals("tiny", bundle.card.name)
        assertEquals(Preprocess(SIZE, 0.02, 115), bundle.card.preprocess)
        bundle.check(bundle.int8())
        assertArrayEquals(ByteArray(SIZE * SIZE) { it.toByte() }, bundle.golden().single())
        val testset = TestSet(MemoryFolder(bundleFiles()), bundle.card)
        val images = ArrayList<ByteArray>().also { all -> testset.forEach { all.add(it) } }
        assertEquals(2, testset.count)
        assertEquals(listOf<Byte>(0, 9), images.map { it.last() })
    }

    @Test
    fun a_missing_file_is_named() {
        val files = bundleFiles()
        refused(Problem.FILE_MISSING, "bundle.json") { Bundle(MemoryFolder(emptyMap())) }
        val bundle = Bundle(MemoryFolder(files - "model.tflite"))
        refused(Problem.FILE_MISSING, "model.tflite") { bundle.check(bundle.int8()) }
        refused(Problem.FILE_MISSING, "testset.json") { TestSet(MemoryFolder(emptyMap()), bundle.card) }
        assertEquals(emptyList<Variant>(), bundle.present())
    }

    @Test
    fun a_changed_file_is_named() {
        for (name in listOf("model.tflite", "golden.npz", "testset.json", "images.npy")) {
            val files = bundleFiles().toMutableMap()
            files[name] = files.getValue(name).copyOf().also { it[it.size - 1]++ }
            val folder = MemoryFolder(files)
            refused(Problem.WRONG_CHECKSUM, name) {
                val bundle = Bundle(folder)
                bundle.check(bundle.int8())
                bundle.golden()
                TestSet(folder, bundle.card)
            }
        }
    }

    @Test
    fun a_card_that_does_not_fit_is_refused_with_its_field() {
        val changes = listOf<Pair<String, (String) -> String>>(
            "threshold" to { card: String -> card.replace("\"threshold\": 0.5", "\"threshold\": 1.5") },
            "threshold" to { card -> card.replace("\"threshold\": 0.5", "\"threshold\": 0.0") },
            "threshold" to { card -> card.replace("\"threshold\": 0.5", "\"threshold\": 1.0") },
            "temperature" to { card -> card.replace("\"temperature\": 2.0", "\"temperature\": 0.2") },
            "temperature" to { card -> card.replace("\"temperature\": 2.0", "\"temperature\": 8.1") },
            "labels" to { card -> card.replace("[\"normal\", ", "[\"normal\", \"other\", ") },
            "size" to { card -> card.replace("\"size\": 16", "\"size\": 15") },
            "size" to { card -> card.replace("\"size\": 16", "\"size\": 1025") },
            "scale" to { card -> card.replaceFirst("\"scale\": 0.02", "\"scale\": 0") },
            "zero_point" to { card -> card.replaceFirst("\"zero_point\": 115", "\"zero_point\": 256") },
            "zero_point" to { card -> card.replaceFirst("\"zero_point\": 115", "\"zero_point\": -1") },
            "window_width" to { card -> card.replaceFirst("\"window_width\": 80", "\"window_width\": 0") },
            "gray" to { card -> card.replace("itu-r-601-2", "mean") },
            "file" to { card -> card.replace("\"model.tflite\"", "\"..\"") },
            "file" to { card -> card.replace("\"model.tflite\"", "\"\"") },
            "temperature" to { card -> card.replace("\"temperature\": 2.0", "\"temperature\": \"2\"") },
            "labels" to { card -> card.replace("[\"normal\", \"hemorrhage\"]", "[\"normal\"]") },
            "schema" to { card -> card.replace("hemotk.bundle/1", "hemotk.bundle/2") },
            "pad" to { card -> card.replace("square-black-right-bottom", "none") },
            "resize" to { card -> card.replace("pillow-bilinear-antialias", "nearest") },
            "outputs" to { card -> card.replace("\"name\": \"logit\"", "\"name\": \"score\"") },
            "shape" to { card -> card.replace("[1, 1]", "[-1, 1]") },
            "file" to { card -> card.replace("\"model.tflite\"", "\"../model.tflite\"") },
            "bundle.json" to { card -> card.dropLast(9) },
        )
        for ((field, change) in changes) {
            refused(Problem.UNREADABLE_CARD, field) { Bundle(MemoryFolder(bundleFiles(change))) }
        }
    }

    @Test
    fun a_test_split_that_is_not_the_bundles_is_refused() {
        val files = bundleFiles()
        val card = files.getValue("testset.json")
        fun changed(change: (String) -> String): Pair<Map<String, ByteArray>, Bundle> {
            val other = change(String(card)).toByteArray()
            return files + ("testset.json" to other) to Bundle(MemoryFolder(bundleFiles { it.replace(sha256(card), sha256(other)) }))
        }
        for ((problem, where, change) in listOf<Triple<Problem, String, (String) -> String>>(
            Triple(Problem.UNREADABLE_CARD, "preprocess") { it.replace("\"zero_point\": 115", "\"zero_point\": 114") },
            Triple(Problem.UNREADABLE_CARD, "preprocess") { it.replace("\"hu_offset\": null", "\"hu_offset\": 1024") },
            Triple(Problem.UNREADABLE_CARD, "schema") { it.replace("testset/1", "testset/2") },
            Triple(Problem.UNREADABLE_CARD, "images.npy") { it.replace("{\"id\": \"a.png\", \"label\": 0, \"group\": \"a\"}, ", "") },
        )) {
            val (folder, bundle) = changed(change)
            refused(problem, where) { TestSet(MemoryFolder(folder), bundle.card).forEach { } }
        }
        val (folder, _) = changed { "$it " }
        refused(Problem.WRONG_CHECKSUM, "testset.json") { TestSet(MemoryFolder(folder), Bundle(MemoryFolder(files)).card) }
    }

    @Test
    fun a_bundle_may_give_floats_but_takes_bytes() {
        val outputs = { it: String -> it.replace("\"logit\", \"dtype\": \"uint8\"", "\"logit\", \"dtype\": \"float32\"") }
        assertEquals("model.tflite", Bundle(MemoryFolder(bundleFiles(outputs))).int8().file)
        val inputs = { it: String -> it.replace("\"pixels\", \"dtype\": \"uint8\"", "\"pixels\", \"dtype\": \"float32\"") }
        refused(Problem.UNUSABLE_MODEL, "model.tflite") { Bundle(MemoryFolder(bundleFiles(inputs))).int8() }
        val scale = { it: String -> it.replace("\"scale\": 0.5", "\"scale\": 0.0") }
        refused(Problem.UNUSABLE_MODEL, "model.tflite") { Bundle(MemoryFolder(bundleFiles(scale))).int8() }
    }

    @Test
    fun a_model_that_does_not_take_bytes_is_refused() {
        val float = Bundle(MemoryFolder(bundleFiles { it.replace("uint8", "float32") }))
        refused(Problem.UNUSABLE_MODEL, "model.tflite") { float.int8() }
        val none = Bundle(MemoryFolder(bundleFiles { it.replace("\"int8\"", "\"fp16\"") }))
        refused(Problem.NO_INT8_MODEL, "tiny") { none.int8() }
    }
}
