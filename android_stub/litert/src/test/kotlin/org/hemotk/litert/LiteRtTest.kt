package org.hemotk.litert

import org.hemotk.core.Bench
import org.hemotk.core.BenchSettings
import org.hemotk.core.BenchedModel
import org.hemotk.core.Bundle
import org.hemotk.core.Classifier
import org.hemotk.core.Device
import org.hemotk.core.Folder
import org.hemotk.core.Json
import org.hemotk.core.TestSet
import org.hemotk.core.deviceBench
import org.hemotk.core.hexadecimal
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import java.io.File

class LiteRtTest {
    private val bundleFolder = File(System.getProperty("hemotk.bundle"))
    private val bundle = Bundle(files(bundleFolder))
    private val testset = TestSet(files(File(bundleFolder.path + ".testset")), bundle.card)

    /** Of each model file, what Python says of each image, by the names of the device file. */
    @Suppress("UNCHECKED_CAST")
    private val expected =
        Json.parse(File(System.getProperty("hemotk.expected")).readText()) as Map<String, List<Map<String, String>>>

    private fun files(folder: File) = object : Folder {
        override fun open(name: String) = File(folder, name).inputStream()
    }

    private fun runtime() = LiteRt(File(System.getProperty("hemotk.litert")), bundleFolder)

    @Test
    fun the_whole_test_split_gives_the_bytes_that_python_gives() = runtime().use { runtime ->
        val models = Bench(bundle, testset, runtime, BenchSettings(1, 12, 1)).run()
        assertEquals(expected.keys, models.map { it.file }.toSet())
        for (model in models) {
            assertEquals("", model.failure)
            val found = model.images.map { listOf(it.id, it.inputSha256, it.logit, it.probability) }
            val fields = listOf("id", "input_sha256", "logit", "probability")
            assertEquals(model.file, expected.getValue(model.file).map { image -> fields.map(image::getValue) }, found)
        }
        write(models, runtime)
    }

    /** Left for the Python side, which reads it as a device's file. */
    private fun write(models: List<BenchedModel>, runtime: LiteRt) {
        val device = Device("none", "a Java virtual machine", "", "Linux", "x86_64", 1, null, 0)
        val text = deviceBench("2026-01-01T00:00:00+00:00", "org.hemotk.app 1", device, runtime, 1, models)
        File(System.getProperty("hemotk.work"), "device.json").writeText(text)
    }

    @Test
    fun the_classifier_reads_logits_and_maps_as_python_does() = runtime().use { runtime ->
        val variant = bundle.int8()
        runtime.open(variant, 1).use { network ->
            val classifier = Classifier(network, variant, bundle.card.preprocess)
            var row = 0
            testset.forEach { pixels ->
                val image = expected.getValue(variant.file)[row++]
                val answer = classifier.classify(pixels)
                val logit = variant.output("logit")!!
                val stored = Integer.parseInt(image.getValue("logit"), 16)
                assertEquals(logit.scale * (stored - logit.zeroPoint), answer.logit, 0.0)
                if (variant.output("cam") != null) {
                    assertEquals(image["cam"], hexadecimal(network.read("cam")))
                    assertEquals(answer.cam!!.width * answer.cam!!.height, answer.cam!!.values.size)
                }
            }
            assertTrue(row > 0)
        }
    }
}
