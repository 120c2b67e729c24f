package org.hemotk.runtime

import org.hemotk.core.Bench
import org.hemotk.core.BenchSettings
import org.hemotk.core.Bundle
import org.hemotk.core.HemotkException
import org.hemotk.core.Json
import org.hemotk.core.Problem
import org.hemotk.core.Tensor
import org.hemotk.core.TestSet
import org.hemotk.core.Variant
import org.hemotk.core.real
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import java.io.File
import kotlin.math.abs

/** The runtime's own library, as the .apk holds it for another processor, on this machine's virtual machine. */
class LiteRtRuntimeTest {
    private val place = File(System.getProperty("hemotk.bundle"))
    private val folder = DiskFolder(place)
    private val bundle = Bundle(folder)
    private val runtime = LiteRtRuntime(folder)
    private val variant = bundle.int8()

    /** Of each model file, what Python says of each image. */
    @Suppress("UNCHECKED_CAST")
    private val expected =
        Json.parse(File(System.getProperty("hemotk.expected")).readText()) as Map<String, List<Map<String, String>>>

    private fun bytes(digits: String) = ByteArray(digits.length / 2) { digits.substring(2 * it, 2 * it + 2).toInt(16).toByte() }

    /** Two steps of an 8-bit output; of a float one, two in a hundred, or what rounding gives where the model is float too. */
    private fun tolerance(model: Variant, output: Tensor, value: Double) = when {
        output.scale > 0 -> 2 * output.scale
        model.input.dtype == "float32" -> 1e-4 * maxOf(1.0, abs(value))
        else -> 0.02 * maxOf(1.0, abs(value))
    }

    @Test
    fun the_whole_test_split_gives_what_python_gives_within_the_tolerance_and_no_verdict_flips() {
        val testset = TestSet(DiskFolder(File(place.path + ".testset")), bundle.card)
        for (threads in listOf(1, 4)) {
            val models = Bench(bundle, testset, runtime, BenchSettings(1, 2, threads)).run()
            assertEquals(expected.keys, models.map { it.file }.toSet())
            for (model in models) {
                assertEquals("", model.failure)
                val known = bundle.card.variants.first { it.file == model.file }
                var most = 0.0
                for ((image, said) in model.images.zip(expected.getValue(model.file))) {
                    assertEquals(said["input_sha256"], image.inputSha256)
                    val logit = known.output("logit")!!
                    val (here, there) = listOf(image.logit, said.getValue("logit")).map { logit.real(bytes(it)).single() }
                    most = maxOf(most, abs(here - there))
                    assertTrue("${model.file}, ${image.id}: $here $there", abs(here - there) <= tolerance(known, logit, there))
                    val decision = bundle.card.decision
                    assertEquals(image.id, decision.label(there), decision.label(here))
                }
                assertEquals(testset.count, model.images.size)
                println("${model.file}, $threads threads, ${model.images.size} images: logits within $most of Python's")
            }
        }
    }

    @Test
    fun every_output_is_read_by_its_name_and_the_picture_is_what_counts() = listOf(variant.outputs, variant.outputs.reversed()).forEach {
        outputsAreRead(changed(outputs = it))
    }

    private fun outputsAreRead(variant: Variant) = runtime.open(variant, 1).use { network ->
        val testset = TestSet(DiskFolder(File(place.path + ".testset")), bundle.card)
        val maps = ArrayList<String>()
        var row = 0
        testset.forEach { pixels ->
            network.feed(pixels)
            network.invoke()
            val said = expected.getValue(variant.file)[row++]
            for (output in variant.outputs) {
                val here = output.real(network.read(output.name))
                val there = output.real(bytes(said.getValue(output.name)))
                assertEquals(there.size, here.size)
                for ((a, b) in here.zip(there)) assertEquals(output.name, b, a, tolerance(variant, output, b))
            }
            maps.add(network.read("logit").joinToString() + (variant.output("cam")?.let { network.read("cam").joinToString() } ?: ""))
        }
        assertTrue("all pictures are one to it", maps.toSet().size > 1)
    }

    private fun changed(input: Tensor = variant.input, outputs: List<Tensor> = variant.outputs) =
        Variant(variant.kind, variant.file, variant.sha256, input, outputs)

    private fun Tensor.but(dtype: String = this.dtype, shape: List<Int> = this.shape, scale: Double = this.scale, zero: Int = zeroPoint) =
        Tensor(name, dtype, shape, scale, zero)

    @Test
    fun a_model_that_is_not_what_its_card_says_is_refused_and_closed() {
        val input = variant.input
        val output = variant.outputs[0]
        val rest = variant.outputs.drop(1)
        val wrong = listOf(
            changed(input.but(dtype = "float32")),
            changed(input.but(shape = input.shape.map { it + 1 })),
            changed(input.but(scale = input.scale * 1.001)),
            changed(input.but(zero = input.zeroPoint + 1)),
            changed(outputs = rest + output.but(dtype = "int8")),
            changed(outputs = rest + output.but(shape = output.shape + 1)),
            changed(outputs = rest + output.but(scale = output.scale * 1.001 + 1e-3)),
            changed(outputs = rest + output.but(zero = output.zeroPoint + 1)),
            changed(outputs = rest + Tensor("other", output.dtype, output.shape, output.scale, output.zeroPoint)),
        )
        for ((index, model) in wrong.withIndex()) {
            val error = assertThrows("$index", HemotkException::class.java) { runtime.open(model, 1) }
            assertEquals(Problem.UNUSABLE_MODEL, error.problem)
        }
        runtime.open(changed(), 1).close()
    }

    @Test
    fun a_closed_model_runs_no_more() {
        val network = runtime.open(variant, 1)
        network.feed(ByteArray(bundle.card.preprocess.size.let { it * it }))
        network.invoke()
        network.close()
        assertThrows(IllegalStateException::class.java) { network.invoke() }
    }

    @Test
    fun a_file_that_is_no_model_is_refused() {
        val text = File.createTempFile("model", ".tflite").apply { writeText("no model at all, only words".repeat(9)) }
        val model = Variant("int8", text.name, "", variant.input, variant.outputs)
        assertThrows(RuntimeException::class.java) { LiteRtRuntime(DiskFolder(text.parentFile)).open(model, 1) }
        text.delete()
    }

    @Test
    fun it_says_what_it_is() {
        assertEquals("xnnpack", runtime.delegate)
        assertEquals("org.tensorflow.lite.Interpreter", runtime.name)
        assertTrue(runtime.version, runtime.version.startsWith("2."))
    }
}
