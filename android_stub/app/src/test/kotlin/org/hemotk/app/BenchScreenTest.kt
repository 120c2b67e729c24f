package org.hemotk.app

import android.content.ComponentName
import android.content.Intent
import android.widget.Button
import android.app.ActivityManager.RunningAppProcessInfo
import android.os.PowerManager
import android.view.View
import org.hemotk.core.Json
import org.hemotk.runtime.LiteRtRuntime
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import org.robolectric.Shadows.shadowOf
import java.io.File
import java.util.concurrent.CountDownLatch

class BenchScreenTest : BundleCase() {
    private val folder = checkNotNull(context.getExternalFilesDir(null))

    private fun asked(token: String, vararg extras: Pair<String, Any>) =
        Intent(context, BenchActivity::class.java).putExtra("token", token).also { intent ->
            for ((name, value) in extras) {
                when (value) {
                    is Int -> intent.putExtra(name, value)
                    is Float -> intent.putExtra(name, value)
                    else -> intent.putExtra(name, "$value")
                }
            }
        }

    private fun bench(token: String, vararg extras: Pair<String, Any>): Pair<File, String> {
        val files = listOf("json", "error").map { File(folder, "bench-$token.$it") }
        val activity = start(BenchActivity::class.java, asked(token, *extras)).get()
        wait("a file") { files.any(File::exists) && activity.findViewById<View>(R.id.start).isEnabled }
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

    private fun fields(value: Any?, vararg path: String) = path.fold(value) { at, name -> (at as Map<*, *>)[name] }

    @Test
    fun a_bench_of_so_many_seconds_says_what_slows_the_phone() {
        val power = shadowOf(context.getSystemService(PowerManager::class.java))
        power.setIsPowerSaveMode(true)
        val written = Json.parse(bench("s1", "warmup" to 0, "runs" to 1, "threads" to 1, "seconds" to 0.3f).first.readText())
        val model = (fields(written, "models") as List<*>).single()
        val times = (fields(model, "rounds_ns") as List<*>).flatMap { it as List<*> }.map { it as Long }
        assertTrue("${times.sum()}", times.sum() >= 0.3e9 && times.size > 1)
        assertEquals(listOf(true, true, false), listOf("foreground", "power_save", "charging").map { fields(written, "device", it) })
        assertEquals(null, fields(model, "peak_memory_bytes"))
        power.setIsPowerSaveMode(false)
        val quiet = Json.parse(bench("s2", "warmup" to 0, "runs" to 1, "threads" to 1).first.readText())
        assertEquals(false, fields(quiet, "device", "power_save"))
    }

    @Test
    fun a_model_alone_says_how_much_memory_its_process_held() {
        val file = only.open().int8().file
        val written = Json.parse(bench("m1", "warmup" to 0, "runs" to 1, "threads" to 1, "alone" to file).first.readText())
        val model = (fields(written, "models") as List<*>).single()
        assertTrue((fields(model, "peak_memory_bytes") as Long) > 10_000_000)
        assertEquals(emptyList<Any>(), fields(model, "images"))
        val status = File(folder, "status").apply { writeText("VmPeak:\t    9 kB\nVmHWM:\t  42 kB\nVmRSS:\t 7 kB\n") }
        assertEquals(42L * 1024, peakMemory(status))
        assertEquals(null, peakMemory(status.apply { writeText("VmHWM:\t many kB\n") }))
        assertEquals(null, peakMemory(File(folder, "none")))
    }

    @Test
    fun a_bench_in_the_background_is_known_as_one() {
        var now = RunningAppProcessInfo.IMPORTANCE_FOREGROUND
        val phone = Phone(context) { now }
        val before = Json.parse(phone.file(LiteRtRuntime(only.bundle), 1, emptyList()))
        assertEquals(true, fields(before, "device", "foreground"))
        for (importance in listOf(RunningAppProcessInfo.IMPORTANCE_CACHED, RunningAppProcessInfo.IMPORTANCE_FOREGROUND)) {
            now = importance
            phone.look()
        }
        val after = Json.parse(phone.file(LiteRtRuntime(only.bundle), 1, emptyList()))
        assertEquals(false, fields(after, "device", "foreground"))
    }

    @Test
    fun a_bench_that_cannot_be_leaves_a_sentence() {
        val wrong = listOf(
            arrayOf<Pair<String, Any>>("runs" to 0) to R.string.bench_settings_wrong,
            arrayOf<Pair<String, Any>>("runs" to 1, "warmup" to Int.MAX_VALUE) to R.string.bench_settings_wrong,
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

    @Test
    fun a_token_that_is_a_path_goes_nowhere() {
        for (token in listOf("../../escape", "a/b", "", "a".repeat(33), "a.b")) {
            File(folder, "bench.error").delete()
            val activity = start(BenchActivity::class.java, asked(token, "runs" to 0)).get()
            wait("its end") { File(folder, "bench.error").exists() && activity.findViewById<View>(R.id.start).isEnabled }
        }
        val written = folder.parentFile!!.walk().filter { it.isFile && it.name.startsWith("bench") || "escape" in it.name }
        assertEquals(setOf("bench.error"), written.map { it.relativeTo(folder).path }.filter { "bench-" !in it }.toSet())
    }

    @Test
    fun two_benches_never_run_at_once_and_a_rotation_starts_none() {
        val go = CountDownLatch(1)
        val watched = Watched { go.hold() }.apply { install() }
        val controller = start(BenchActivity::class.java, asked("d1", "warmup" to 0, "runs" to 1, "threads" to 1))
        wait("the first bench") { watched.invoked.get() == 1 }
        controller.recreate()
        assertFalse(controller.get().findViewById<Button>(R.id.start).isEnabled)
        assertFalse("the rotation asked for another", File(folder, "bench-d1.error").exists())
        val second = start(BenchActivity::class.java, asked("d2", "warmup" to 0, "runs" to 1)).get()
        assertEquals(context.getString(R.string.bench_busy), File(folder, "bench-d2.error").readText())
        assertEquals(context.getString(R.string.bench_busy), second.text(R.id.result))
        go.countDown()
        wait("its end on the new screen") { controller.get().findViewById<Button>(R.id.start).isEnabled }
        assertTrue(File(folder, "bench-d1.json").path in controller.get().text(R.id.result))
        controller.recreate()
        repeat(5) { step() }
        assertEquals(listOf(1, 1), listOf(watched.opened.get(), watched.closed.get()))
    }

    @Test
    fun a_library_that_does_not_load_is_a_sentence() {
        MainActivity.runtime = { throw UnsatisfiedLinkError("none") }
        val (file, text) = bench("e1", "runs" to 1)
        assertEquals(context.getString(R.string.problem_no_runtime), text)
        assertEquals(text, file.readText())
    }

    @Test
    fun the_button_starts_it_and_the_shell_alone_may_from_outside() {
        val activity = start(BenchActivity::class.java, Intent()).get()
        assertEquals(context.getString(R.string.bench_explained), activity.text(R.id.result))
        val info = context.packageManager.getActivityInfo(ComponentName(context, BenchActivity::class.java), 0)
        assertTrue(info.exported)
        assertEquals("android.permission.DUMP", info.permission)
    }
}
