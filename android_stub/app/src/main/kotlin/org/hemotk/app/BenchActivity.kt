package org.hemotk.app

import android.app.Activity
import android.content.Context
import android.content.Intent
import android.content.res.Resources
import android.os.Bundle as State
import android.os.Handler
import android.os.Looper
import android.widget.Button
import android.widget.TextView
import org.hemotk.core.BenchSettings
import org.hemotk.core.BenchedModel
import org.hemotk.core.percentile
import java.io.IOException
import java.util.concurrent.atomic.AtomicBoolean
import kotlin.concurrent.thread

/**
 * Benches the models on this device, by its button or by an intent with extras:
 * `adb shell am start -n org.hemotk.app/.BenchActivity --ei warmup 10 --ei runs 50 --ei threads 4`.
 *
 * The shell may start it, and this app; no other app may (see the manifest).
 */
class BenchActivity : Activity() {
    private val start by lazy { findViewById<Button>(R.id.start) }
    private val result by lazy { findViewById<TextView>(R.id.result) }
    private lateinit var job: BenchJob

    override fun onCreate(state: State?) {
        super.onCreate(state)
        setContentView(R.layout.bench)
        @Suppress("DEPRECATION") // what replaces it is in a library
        val kept = lastNonConfigurationInstance as BenchJob?
        job = kept ?: BenchJob(applicationContext)
        job.watch = ::show
        start.setOnClickListener { job.run(Intent()) }
        show()
        if (state == null) takeIn(intent)
    }

    override fun onNewIntent(intent: Intent) {
        super.onNewIntent(intent)
        takeIn(intent)
    }

    @Suppress("OVERRIDE_DEPRECATION")
    override fun onRetainNonConfigurationInstance(): Any = job

    override fun onDestroy() {
        job.watch = {}
        super.onDestroy()
    }

    private fun takeIn(intent: Intent) {
        if (intent.hasExtra(RUNS)) job.run(intent)
    }

    private fun show() {
        result.text = job.text
        start.isEnabled = !job.running
    }
}

/** A bench and what it says, which outlives a rotation; all of it is for the main thread. */
internal class BenchJob(private val context: Context) {
    private val main = Handler(Looper.getMainLooper())
    private val resources: Resources = context.resources
    var text: String = resources.getString(R.string.bench_explained)
        private set
    var running = false
        private set

    /** Called on the main thread after every change. */
    var watch: () -> Unit = {}

    /** Bench as the extras of [intent] say; refused while another one runs, which would disturb both. */
    fun run(intent: Intent) {
        val output = BenchOutput(context.getExternalFilesDir(null) ?: context.filesDir, intent.getStringExtra(TOKEN))
        if (!busy.compareAndSet(false, true)) {
            val sentence = failed(resources.getString(R.string.bench_busy), output)
            if (!running) change { text = sentence }
            return
        }
        change { running = true }
        thread(name = "bench") {
            val said = try {
                bench(intent, output)
            } catch (error: Throwable) { // also an error of linking, and too little memory
                failed(sentence(error), output)
            }
            busy.set(false)
            main.post {
                change {
                    running = false
                    text = said
                }
            }
        }
    }

    private fun change(step: () -> Unit) {
        step()
        watch()
    }

    private fun bench(intent: Intent, output: BenchOutput): String {
        val settings = BenchSettings(
            intent.getIntExtra(WARMUP, 10),
            intent.getIntExtra(RUNS, 50),
            intent.getIntExtra(THREADS, threads()),
            intent.getFloatExtra(SECONDS, 0f).toDouble(),
            intent.getStringExtra(ALONE),
        )
        val choice = Choice(context)
        val chosen = choice.chosen
        val places = intent.getStringExtra(BUNDLE)?.let(::pushed) ?: Places(chosen.bundle, chosen.testset)
        val device = DeviceBench(context, MainActivity.runtime(places.bundle))
        val found = device.run(places, settings) { done, total ->
            main.post { if (running) change { text = resources.getString(R.string.bench_running, done, total) } }
        }
        val file = output.write(found.json)
        val model = if (choice.isThere && !intent.hasExtra(BUNDLE)) resources.getString(R.string.by_model, chosen.name) else ""
        val lines = listOf(model) + found.models.map(::line) + resources.getString(R.string.bench_written, file.path)
        return lines.filter { it.isNotEmpty() }.joinToString("\n\n")
    }

    private fun line(model: BenchedModel): String {
        if (model.failure.isNotEmpty()) return resources.getString(R.string.bench_failed, model.file, model.failure)
        val times = model.roundsNs.flatten()
        val (median, most) = listOf(0.5, 0.9).map { percentile(times, it) / 1e6 }
        return resources.getString(R.string.bench_result, model.file, median, most, model.images.size)
    }

    private fun failed(sentence: String, output: BenchOutput): String = try {
        output.fail(sentence)
        sentence
    } catch (error: IOException) {
        resources.getString(R.string.bench_not_written, error.message)
    }

    private fun sentence(error: Throwable) = when (error) {
        is WrongFolder -> resources.getString(R.string.bench_folder_wrong)
        is IllegalArgumentException -> resources.getString(R.string.bench_settings_wrong)
        is IOException -> resources.getString(R.string.bench_not_written, error.message)
        else -> resources.sentence(error)
    }

    internal companion object {
        /** Whether a bench runs in this process, on whatever screen; a test puts it back. */
        val busy = AtomicBoolean()
    }
}

private const val WARMUP = "warmup"
private const val RUNS = "runs"
private const val THREADS = "threads"
private const val SECONDS = "seconds"
private const val ALONE = "alone"
private const val BUNDLE = "bundle"
private const val TOKEN = "token"
