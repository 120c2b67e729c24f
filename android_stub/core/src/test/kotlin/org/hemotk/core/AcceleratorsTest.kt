package org.hemotk.core

import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test

class AcceleratorsTest {
    /** A runtime that gives one logit of 8 bits, and counts what is open; [fails] is done before it opens. */
    private class Fake(override val delegate: String, private val logit: Int, private val fails: () -> Unit = {}) : Runtime {
        override val name = "fake"
        override val version = "1"
        var opened = 0
        var closed = 0

        override fun open(variant: Variant, threads: Int): Network {
            fails()
            opened++
            return object : Network {
                override fun feed(stored: ByteArray) = Unit

                override fun invoke() = Unit

                override fun read(name: String) = byteArrayOf(logit.toByte())

                override fun close() {
                    closed++
                }
            }
        }
    }

    private class Written(override val wanted: Boolean, private val open: MutableSet<String> = HashSet()) : Tries {
        val log = ArrayList<String>()

        override fun isOpen(name: String) = name in open

        override fun begin(name: String) {
            log.add("begin $name")
        }

        override fun end(name: String) {
            log.add("end $name")
        }
    }

    private val picture = Picture(Gray(SIZE, SIZE, ByteArray(SIZE * SIZE) { (it * 3).toByte() }), null)
    private val model = sha256("a model".toByteArray())
    private val bundle = Bundle(MemoryFolder(bundleFiles()))
    private val golden = GoldenSet(
        MemoryFolder(
            mapOf(
                "selfcheck.json" to """{"schema": "hemotk.selfcheck/1", "model": "$model", "card": "${bundle.cardSha256}",
                    "tolerance": 1.0, "map_tolerance": 1.0,
                    "pictures": [{"file": "0.png", "levels": 0, "logit": 5.0, "map": []}]}""".toByteArray(),
                "pixels.npy" to npy(listOf(picture.gray.bytes)),
                "0.png" to ByteArray(1),
            ),
        ),
        bundle,
    )
    private val cpu = Fake("xnnpack", RIGHT)

    private fun admit(tries: Tries, vararg accelerators: Runtime, by: Runtime = cpu) =
        Admission(bundle, golden, 1) { _, _ -> picture }.admit(by, accelerators.toList(), tries)

    private fun Admitted.outcomes() = tried.map { it.delegate to it.outcome }

    @Test
    fun nothing_is_tried_unless_somebody_asked_for_it() {
        val gpu = Fake("gpu", RIGHT)
        val tries = Written(false)
        val found = admit(tries, gpu)
        assertEquals(listOf("gpu" to Outcome.NOT_ASKED), found.outcomes())
        assertEquals(cpu to 0, found.runtime to gpu.opened)
        assertEquals(emptyList<String>(), tries.log)
        assertTrue(found.check.passed)
    }

    @Test
    fun an_accelerator_that_gives_the_recorded_results_runs_the_model() {
        val (gpu, npu) = Fake("gpu", RIGHT + 2) to Fake("npu", RIGHT)
        val tries = Written(true)
        val found = admit(tries, gpu, npu)
        assertEquals(listOf("gpu" to Outcome.PASSED), found.outcomes())
        assertEquals(listOf(gpu, 1.0), listOf(found.runtime, found.check.pictures.single().logit))
        assertEquals(listOf(0, 0, 0), listOf(npu.opened, cpu.opened, gpu.closed))
        assertEquals(listOf("begin gpu $model", "end gpu $model"), tries.log)
        found.model.close()
        assertEquals(1, gpu.closed)
    }

    @Test
    fun one_with_other_results_is_closed_and_the_next_one_or_the_processor_runs_the_model() {
        val (gpu, npu) = Fake("gpu", RIGHT + 3) to Fake("npu", RIGHT)
        val next = admit(Written(true), gpu, npu)
        assertEquals(listOf("gpu" to Outcome.NOT_PASSED, "npu" to Outcome.PASSED), next.outcomes())
        assertEquals(listOf(npu, 1, 1), listOf(next.runtime, gpu.opened, gpu.closed))
        assertEquals("logit differs by up to 1.5 (at most 1.0), map by up to 0.0 (at most 1.0)", fields(next.tried[0])["reason"])
        val last = admit(Written(true), Fake("gpu", RIGHT - 3))
        assertEquals(cpu, last.runtime)
    }

    @Test
    fun one_that_fails_in_any_way_leaves_the_model_to_the_processor_and_says_why() {
        val errors = listOf(
            UnsatisfiedLinkError("no such library"),
            NoClassDefFoundError("org/gpu"),
            OutOfMemoryError("too little\nsecond line"),
            IllegalArgumentException("x".repeat(999)),
            HemotkException(Problem.NO_ACCELERATOR, "gpu"),
        )
        for (error in errors) {
            val tries = Written(true)
            val found = admit(tries, Fake("gpu", RIGHT) { throw error })
            assertEquals(listOf("gpu" to Outcome.FAILED), found.outcomes())
            assertEquals(cpu, found.runtime)
            assertEquals(listOf("begin gpu $model", "end gpu $model"), tries.log)
            val said = fields(found.tried.single())
            assertEquals(listOf("gpu", "failed", reason(error)), listOf("delegate", "outcome", "reason").map { said[it] })
            assertTrue("${said["reason"]}", reason(error).length in 1..200 && '\n' !in reason(error))
        }
    }

    @Test
    fun one_that_ended_the_app_is_not_tried_again() {
        val gpu = Fake("gpu", RIGHT)
        val tries = Written(true, mutableSetOf("gpu $model"))
        val found = admit(tries, gpu)
        assertEquals(listOf("gpu" to Outcome.ENDED_THE_APP), found.outcomes())
        assertEquals(listOf(cpu, 0, 0), listOf(found.runtime, gpu.opened, tries.log.size))
        val other = admit(Written(true, mutableSetOf("gpu another")), gpu)
        assertEquals(gpu, other.runtime)
    }

    @Test
    fun the_processor_s_own_check_is_handed_on_as_it_is_and_its_errors_are_thrown() {
        val wrong = Fake("xnnpack", RIGHT + 9)
        val found = admit(Written(true), Fake("gpu", RIGHT - 9), by = wrong)
        assertEquals(listOf(wrong, false, 0), listOf(found.runtime, found.check.passed, wrong.closed))
        assertThrows(IllegalStateException::class.java) { admit(Written(true), by = Fake("xnnpack", RIGHT) { throw IllegalStateException() }) }
        val gone = GoldenSet(MemoryFolder(mapOf("selfcheck.json" to "{\"schema\": \"hemotk.selfcheck/1\"}".toByteArray())), bundle)
        val closed = Fake("xnnpack", RIGHT)
        assertThrows(HemotkException::class.java) { Admission(bundle, gone, 1) { _, _ -> picture }.admit(closed, emptyList(), Written(false)) }
        assertEquals(1 to 1, closed.opened to closed.closed)
    }

    private companion object {
        /** 0.5 · (110 − 100) is the recorded 5. */
        const val RIGHT = 110
    }
}
