package org.hemotk.core

import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test

class BenchTest {
    private val files = MemoryFolder(bundleFiles())
    private val bundle = Bundle(files)

    /** A model whose logit is the first pixel and whose probability is the last. */
    private class Fake(private val broken: Boolean = false) : Runtime {
        override val name = "fake"
        override val version = "1"
        override val delegate = "none"
        var closed = 0

        override fun open(variant: Variant, threads: Int) = object : Network {
            private var fed = ByteArray(0)

            override fun feed(stored: ByteArray) {
                fed = stored
            }

            override fun invoke() = check(!broken) { "it breaks.\nreally" }

            override fun read(name: String) = byteArrayOf(if (name == "logit") fed.first() else fed.last())

            override fun close() {
                closed++
            }
        }
    }

    private fun run(testset: TestSet?, runtime: Runtime): BenchedModel {
        var now = 0L
        return Bench(bundle, testset, runtime, BenchSettings(3, 25, 1), clock = { now.also { now += 7 } }).run().single()
    }

    @Test
    fun every_sample_and_every_score_is_kept_and_no_name() {
        val model = run(TestSet(files, bundle.card), Fake())
        assertEquals("", model.failure)
        assertEquals(listOf(7L, 7L, 7L), model.warmupNs)
        assertEquals(listOf(10, 10, 5), model.roundsNs.map { it.size })
        assertEquals(listOf("0" to "00", "1" to "09"), model.images.map { it.id to it.logit })
        assertEquals(sha256(ByteArray(SIZE * SIZE)), model.images[0].inputSha256)
    }

    @Test
    fun a_model_is_timed_as_long_as_asked_or_as_often_whichever_is_longer() {
        var now = 0L
        val told = ArrayList<Pair<Int, Int>>()
        fun timed(seconds: Double): List<Int> {
            val settings = BenchSettings(0, 25, 1, seconds)
            val bench = Bench(bundle, null, Fake(), settings, { now.also { now += 7 } }) { done, total -> told.add(done to total) }
            return bench.run().single().roundsNs.map { it.size }
        }
        assertEquals(listOf(10, 10, 5), timed(7e-9))
        assertEquals(listOf(0 to 25, 10 to 25, 20 to 25, 25 to 25), told)
        told.clear()
        assertEquals(listOf(10, 10, 5) + List(3) { 10 }, timed(55 * 7e-9))
        assertEquals(listOf(0 to 25, 10 to 55, 20 to 55, 25 to 55, 35 to 55, 45 to 55, 55 to 55), told)
        val broken = Bench(bundle, null, Fake(broken = true), BenchSettings(0, 1, 1, 3600.0)).run().single()
        assertEquals("it breaks", broken.failure)
    }

    @Test
    fun a_model_alone_is_run_without_scores_and_no_other_is() {
        val found = Bench(bundle, null, Fake(), BenchSettings(0, 1, 1, alone = "model.tflite")).run().single()
        assertEquals(listOf(1, 0), listOf(found.roundsNs.single().size, found.images.size))
        val bench = Bench(bundle, null, Fake(), BenchSettings(0, 1, 1, alone = "other.tflite"))
        assertEquals(Problem.FILE_MISSING, assertThrows(HemotkException::class.java) { bench.run() }.problem)
    }

    @Test
    fun without_a_test_split_the_drawn_pictures_serve() {
        val model = run(null, Fake())
        assertEquals(listOf("0" to "ff"), model.images.map { it.id to it.probability })
    }

    @Test
    fun a_model_that_fails_says_why() {
        val model = run(null, Fake(broken = true))
        assertEquals("it breaks", model.failure)
        assertTrue(model.images.isEmpty())
    }

    @Test
    fun every_model_is_closed_whatever_happens() {
        for (broken in listOf(false, true)) {
            val runtime = Fake(broken)
            run(null, runtime)
            assertEquals(1, runtime.closed)
        }
    }

    @Test
    fun a_changed_model_is_not_benched() {
        val changed = MemoryFolder(bundleFiles() + ("model.tflite" to "another".toByteArray()))
        val bench = Bench(Bundle(changed), null, Fake(), BenchSettings(0, 1, 1))
        val error = assertThrows(HemotkException::class.java) { bench.run() }
        assertEquals(Problem.WRONG_CHECKSUM, error.problem)
    }

    @Test
    fun senseless_settings_are_refused() {
        for ((warmup, runs, threads) in listOf(Triple(-1, 1, 1), Triple(0, 0, 1), Triple(0, 1, 0), Triple(0, 1, 999))) {
            assertThrows(IllegalArgumentException::class.java) { BenchSettings(warmup, runs, threads) }
        }
        for (seconds in listOf(-1.0, 3601.0, Double.NaN)) {
            assertThrows(IllegalArgumentException::class.java) { BenchSettings(0, 1, 1, seconds) }
        }
    }
}
