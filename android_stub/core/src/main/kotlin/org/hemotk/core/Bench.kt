package org.hemotk.core

import kotlin.math.ceil
import kotlin.math.floor
import kotlin.math.max
import kotlin.math.min

/**
 * Inferences per model before the timed ones, timed ones, and threads of the interpreter.
 *
 * A model is timed [runs] times and [seconds] seconds, whichever is longer. With [alone], the model in that file is run and
 * no other, and no picture is scored: so a process shows how much memory this model takes.
 */
class BenchSettings(val warmup: Int, val runs: Int, val threads: Int, val seconds: Double = 0.0, val alone: String? = null) {
    init {
        require(warmup in 0..MOST && runs in 1..MOST && threads in 1..64) { "warmup $warmup, runs $runs, threads $threads" }
        require(seconds in 0.0..LONGEST) { "seconds $seconds" }
    }

    private companion object {
        const val MOST = 100_000
        const val LONGEST = 3600.0
    }
}

/** One image as one model saw and scored it: its number as [id], the bytes of its outputs in hexadecimal digits. */
class BenchedImage(val id: String, val inputSha256: String, val logit: String, val probability: String)

/** What was measured of one model; times in nanoseconds, null where it did not get there. */
class BenchedModel(val file: String, val sha256: String) {
    var failure = ""
        internal set
    var loadNs: Long? = null
        internal set
    var firstNs: Long? = null
        internal set
    var peakBytes: Long? = null
    val warmupNs = ArrayList<Long>()
    val roundsNs = ArrayList<List<Long>>()
    val images = ArrayList<BenchedImage>()
}

/**
 * Times and scores every model that is there, on the test split, or on the bundle's drawn pictures without one.
 *
 * Models take turns in rounds, so that a device that grows warm grows warm for all of them.
 */
class Bench(
    private val bundle: Bundle,
    private val testset: TestSet?,
    private val runtime: Runtime,
    private val settings: BenchSettings,
    private val clock: () -> Long = System::nanoTime,
    private val watch: (done: Int, total: Int) -> Unit = { _, _ -> },
) {
    private val golden = if (testset == null) bundle.golden() else emptyList()
    private val samples = samples()
    private var next = 0

    /** Measure. Throws [HemotkException] where a file is not the recorded one. */
    fun run(): List<BenchedModel> {
        val variants = bundle.present().filter { settings.alone == null || it.file == settings.alone }
        if (variants.isEmpty()) throw HemotkException(Problem.FILE_MISSING, settings.alone ?: Card.FILE)
        variants.forEach { bundle.check(it) }
        val entries = variants.map { Entry(it) }
        try {
            entries.forEach { it.attempt(::open) }
            entries.forEach { it.attempt(::warmUp) }
            time(entries)
            if (settings.alone == null) score(entries)
        } finally {
            entries.forEach { it.network?.close() }
        }
        return entries.map { it.model }
    }

    private fun open(entry: Entry) {
        val input = Input(entry.variant, bundle.card.preprocess)
        entry.model.loadNs = nanoseconds { entry.network = runtime.open(entry.variant, settings.threads) }
        entry.input = input
        entry.model.firstNs = inference(entry)
    }

    private fun warmUp(entry: Entry) {
        repeat(settings.warmup) { entry.model.warmupNs.add(inference(entry)) }
    }

    private fun time(entries: List<Entry>) {
        var done = 0
        while (done < settings.runs || missing(entries) > 0) {
            watch(done, total(done, entries))
            val count = if (done < settings.runs) min(RUNS_A_ROUND, settings.runs - done) else RUNS_A_ROUND
            for (entry in entries) entry.attempt { entry.model.roundsNs.add(List(count) { inference(entry) }) }
            done += count
        }
        watch(done, done)
    }

    /** Nanoseconds that the model which was timed least is still to be timed; one that failed is timed no more. */
    private fun missing(entries: List<Entry>): Double {
        val timed = entries.filter { it.model.failure.isEmpty() }.minOfOrNull { it.timedNs() } ?: return 0.0
        return settings.seconds * 1e9 - timed
    }

    /** About how many inferences it will be, by those that were made. */
    private fun total(done: Int, entries: List<Entry>): Int {
        val timed = settings.seconds * 1e9 - missing(entries)
        if (done == 0 || timed <= 0) return settings.runs
        return max(settings.runs, ceil(done * settings.seconds * 1e9 / timed).toInt())
    }

    private fun score(entries: List<Entry>) {
        var row = 0
        forEachImage { pixels ->
            val sum = sha256(pixels)
            for (entry in entries) {
                entry.attempt {
                    val network = entry.feed(pixels)
                    network.invoke()
                    val outputs = listOf("logit", "probability").map { hexadecimal(network.read(it)) }
                    entry.model.images.add(BenchedImage(row.toString(), sum, outputs[0], outputs[1]))
                }
            }
            row++
        }
    }

    private fun inference(entry: Entry): Long {
        val network = entry.feed(samples[next++ % samples.size])
        return nanoseconds { network.invoke() }
    }

    private inline fun nanoseconds(work: () -> Unit): Long {
        val began = clock()
        work()
        return max(clock() - began, 1)
    }

    private fun samples(): List<ByteArray> {
        val kept = ArrayList<ByteArray>()
        forEachImage { if (kept.size < SAMPLES) kept.add(it) }
        return kept
    }

    private fun forEachImage(use: (ByteArray) -> Unit) = testset?.forEach(use) ?: golden.forEach(use)

    /** One model on its way; one that fails takes no further part. */
    private class Entry(val variant: Variant) {
        val model = BenchedModel(variant.file, variant.sha256)
        var network: Network? = null
        var input: Input? = null

        fun timedNs() = model.roundsNs.sumOf { it.sum() }

        fun feed(pixels: ByteArray): Network {
            val network = checkNotNull(network)
            network.feed(checkNotNull(input).stored(pixels))
            return network
        }

        fun attempt(step: (Entry) -> Unit) {
            if (model.failure.isNotEmpty()) return
            try {
                step(this)
            } catch (error: HemotkException) {
                model.failure = "${error.where} cannot be used"
            } catch (error: RuntimeException) {
                model.failure = (error.message ?: error.javaClass.simpleName).lineSequence().first().trimEnd('.')
            }
        }
    }

    private companion object {
        const val RUNS_A_ROUND = 10
        const val SAMPLES = 16
    }
}

/** The value that [share] (0 to 1) of [samples] lie below, interpolated linearly, as numpy's quantile does. */
fun percentile(samples: List<Long>, share: Double): Double {
    val sorted = samples.sorted()
    val at = share * (sorted.size - 1)
    val low = sorted[floor(at).toInt()].toDouble()
    val high = sorted[ceil(at).toInt()].toDouble()
    return low + (high - low) * (at - floor(at))
}
