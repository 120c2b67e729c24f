package org.hemotk.app

import android.app.Activity
import android.content.ClipData
import android.content.Context
import android.content.Intent
import android.net.Uri
import android.view.View
import android.widget.CheckBox
import android.widget.ImageView
import android.widget.TextView
import org.hemotk.core.HemotkException
import org.hemotk.core.Json
import org.hemotk.core.Problem
import org.hemotk.litert.LiteRt
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode
import java.io.ByteArrayInputStream
import java.io.File
import java.util.concurrent.TimeUnit

/** The activities on Robolectric, with the bundle in their assets and the real runtime behind them. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [34])
@GraphicsMode(GraphicsMode.Mode.NATIVE)
class ActivitiesTest {
    private val context: Context = RuntimeEnvironment.getApplication()
    private val work = File(System.getProperty("hemotk.work"))
    private val expected = File(System.getProperty("hemotk.expected")).parentFile

    @Before
    fun run_models_here() {
        val library = File(System.getProperty("hemotk.litert"))
        val bundle = File(System.getProperty("hemotk.bundle"))
        MainActivity.runtime = { LiteRt(library, bundle) }
    }

    private fun shared(content: ByteArray): Intent {
        val uri = Uri.parse("content://pictures/${content.size}")
        shadowOf(context.contentResolver).registerInputStreamSupplier(uri) { ByteArrayInputStream(content) }
        return Intent(context, MainActivity::class.java).setAction(Intent.ACTION_SEND).also {
            it.clipData = ClipData.newRawUri("picture", uri)
        }
    }

    private fun <T : Activity> started(kind: Class<T>, intent: Intent, done: (T) -> Boolean): T {
        val activity = Robolectric.buildActivity(kind, intent).setup().get()
        val deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(300)
        while (!done(activity) && System.nanoTime() < deadline) {
            shadowOf(context.mainLooper).idleFor(20, TimeUnit.MILLISECONDS)
            Thread.sleep(20)
        }
        assertTrue("nothing came", done(activity))
        return activity
    }

    private fun Activity.text(id: Int) = findViewById<TextView>(id).text.toString()

    private fun look(content: ByteArray) = started(MainActivity::class.java, shared(content)) {
        it.text(R.id.status) !in listOf(context.getString(R.string.working), context.getString(R.string.nothing_yet))
    }

    @Test
    fun a_shared_picture_gets_the_verdict_that_python_gives() {
        val said = Json.parse(File(expected, "predictions.json").readText()) as Map<*, *>
        assertTrue(said.size >= 4)
        for ((name, value) in said) {
            val prediction = value as Map<*, *>
            val activity = look(File(expected, "pictures/$name").readBytes())
            assertEquals("$name", prediction["verdict"], activity.text(R.id.verdict))
            val probability = "%.3f".format(prediction["probability"])
            assertTrue("$name: ${activity.text(R.id.status)}", ": $probability (" in activity.text(R.id.status))
        }
    }

    @Test
    fun the_map_is_shown_when_asked_for() {
        val activity = look(File(expected, "pictures/gray.png").readBytes())
        val picture = activity.findViewById<ImageView>(R.id.picture)
        val box = activity.findViewById<CheckBox>(R.id.show_map)
        assertEquals(View.VISIBLE, box.visibility)
        assertEquals(context.getString(R.string.picture), picture.contentDescription)
        box.isChecked = true
        assertEquals(context.getString(R.string.picture_with_map), picture.contentDescription)
    }

    @Test
    fun bad_pictures_get_a_sentence_and_no_verdict() {
        val sentences = mapOf(
            "no picture".toByteArray() to R.string.problem_no_picture,
            cut(60) to R.string.problem_no_picture,
            cut(5000) to R.string.problem_no_picture,
            File(expected, "too_large.png").readBytes() to R.string.problem_picture_too_large,
            File(expected, "too_small.png").readBytes() to R.string.problem_picture_too_small,
        )
        for ((content, sentence) in sentences) {
            val activity = look(content)
            assertEquals("${content.size} bytes", context.getString(sentence), activity.text(R.id.status))
            assertEquals("", activity.text(R.id.verdict))
        }
    }

    private fun cut(length: Int) = File(expected, "pictures/gray.png").readBytes().copyOf(length)

    @Test
    fun every_problem_has_a_sentence_of_its_own() {
        val sentences = Problem.values().map { context.resources.sentence(HemotkException(it, "the file")) }
        assertEquals(Problem.values().size, sentences.toSet().size)
    }

    private fun bench(token: String, vararg extras: Pair<String, Any>): Pair<File, String> {
        val intent = Intent(context, BenchActivity::class.java).putExtra("token", token)
        for ((name, value) in extras) if (value is Int) intent.putExtra(name, value) else intent.putExtra(name, "$value")
        val folder = checkNotNull(context.getExternalFilesDir(null))
        val files = listOf("json", "error").map { File(folder, "bench-$token.$it") }
        val activity = started(BenchActivity::class.java, intent) { files.any(File::exists) && it.findViewById<View>(R.id.start).isEnabled }
        return files.single(File::exists) to activity.text(R.id.result)
    }

    @Test
    fun the_bench_writes_what_it_measured() {
        val (file, text) = bench("a1", "warmup" to 1, "runs" to 12, "threads" to 1)
        val written = Json.parse(file.readText()) as Map<*, *>
        val model = (written["models"] as List<*>).single() as Map<*, *>
        assertEquals("hemotk.device-bench/1", written["schema"])
        assertEquals(listOf(10, 2), (model["rounds_ns"] as List<*>).map { (it as List<*>).size })
        assertTrue((model["images"] as List<*>).isNotEmpty())
        assertTrue(text, file.path in text)
        file.copyTo(File(work, "device-activity.json"), overwrite = true)
    }

    @Test
    fun a_bench_that_cannot_be_leaves_a_sentence() {
        val wrong = listOf(
            arrayOf<Pair<String, Any>>("runs" to 0) to R.string.bench_settings_wrong,
            arrayOf<Pair<String, Any>>("runs" to 1, "bundle" to "/sdcard/x") to R.string.bench_folder_wrong,
            arrayOf<Pair<String, Any>>("runs" to 1, "bundle" to "/data/local/tmp/../x") to R.string.bench_folder_wrong,
        )
        wrong.forEachIndexed { index, (extras, sentence) ->
            val (file, text) = bench("b$index", *extras)
            assertEquals(context.getString(sentence), file.readText())
            assertEquals(context.getString(sentence), text)
        }
        val (file, _) = bench("c", "runs" to 1, "bundle" to "/data/local/tmp/none")
        assertEquals(context.getString(R.string.problem_file_missing, "bundle.json"), file.readText())
    }
}
