package org.hemotk.app

import android.app.Activity
import android.content.Intent
import android.os.Bundle as State
import android.widget.Button
import android.widget.TextView
import org.hemotk.core.BenchSettings
import org.hemotk.core.BenchedModel
import org.hemotk.core.percentile
import java.io.IOException
import java.util.concurrent.ExecutorService
import java.util.concurrent.Executors

/**
 * Benches the models on this device, by its button or by an intent with extras:
 * `adb shell am start -n org.hemotk.app/.BenchActivity --ei warmup 10 --ei runs 50 --ei threads 4`.
 */
class BenchActivity : Activity() {
    private val worker: ExecutorService = Executors.newSingleThreadExecutor()
    private val start by lazy { findViewById<Button>(R.id.start) }
    private val result by lazy { findViewById<TextView>(R.id.result) }

    override fun onCreate(state: State?) {
        super.onCreate(state)
        setContentView(R.layout.bench)
        start.setOnClickListener { run(Intent()) }
        if (state == null) takeIn(intent)
    }

    override fun onNewIntent(intent: Intent) {
        super.onNewIntent(intent)
        takeIn(intent)
    }

    override fun onDestroy() {
        worker.shutdown()
        super.onDestroy()
    }

    private fun takeIn(intent: Intent) {
        if (intent.hasExtra(RUNS)) run(intent)
    }

    private fun run(intent: Intent) {
        start.isEnabled = false
        worker.execute {
            val output = BenchOutput(getExternalFilesDir(null) ?: filesDir, intent.getStringExtra(TOKEN))
            val text = try {
                bench(intent, output)
            } catch (error: Exception) {
                failed(sentence(error), output)
            }
            runOnUiThread {
                result.text = text
                start.isEnabled = true
            }
        }
    }

    private fun bench(intent: Intent, output: BenchOutput): String {
        val settings = BenchSettings(
            intent.getIntExtra(WARMUP, 10),
            intent.getIntExtra(RUNS, 50),
            intent.getIntExtra(THREADS, threads()),
        )
        val places = intent.getStringExtra(BUNDLE)?.let(::pushed) ?: Places(bundleFolder(assets), testsetFolder(assets))
        val device = DeviceBench(this, MainActivity.runtime(places.bundle))
        val found = device.run(places, settings) { done, total ->
            runOnUiThread { result.text = getString(R.string.bench_running, done, total) }
        }
        val file = output.write(found.json)
        return (found.models.map(::line) + getString(R.string.bench_written, file.path)).joinToString("\n\n")
    }

    private fun line(model: BenchedModel): String {
        if (model.failure.isNotEmpty()) return getString(R.string.bench_failed, model.file, model.failure)
        val times = model.roundsNs.flatten()
        val (median, most) = listOf(0.5, 0.9).map { percentile(times, it) / 1e6 }
        return getString(R.string.bench_result, model.file, median, most, model.images.size)
    }

    private fun failed(sentence: String, output: BenchOutput): String = try {
        output.fail(sentence)
        sentence
    } catch (error: IOException) {
        getString(R.string.bench_not_written, error.message)
    }

    private fun sentence(error: Exception) = when (error) {
        is WrongFolder -> getString(R.string.bench_folder_wrong)
        is IllegalArgumentException -> getString(R.string.bench_settings_wrong)
        is IOException -> getString(R.string.bench_not_written, error.message)
        else -> resources.sentence(error)
    }

    private companion object {
        const val WARMUP = "warmup"
        const val RUNS = "runs"
        const val THREADS = "threads"
        const val BUNDLE = "bundle"
        const val TOKEN = "token"
    }
}
