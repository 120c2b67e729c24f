package org.hemotk.app

import android.content.Intent
import android.widget.CheckBox
import org.hemotk.core.Json
import org.hemotk.core.Network
import org.hemotk.core.Runtime
import org.hemotk.core.Variant
import org.hemotk.runtime.LiteRtRuntime
import org.hemotk.runtime.ModelFolder
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import org.robolectric.Shadows.shadowOf
import java.io.File
import java.util.concurrent.CountDownLatch
import java.util.concurrent.atomic.AtomicInteger

/** A GPU, which is the processor in disguise here; and LiteRT's own, whose library is not on this machine. */
class AcceleratorScreenTest : BundleCase() {
    private val opened = AtomicInteger()
    private val model by lazy { only.open().int8().sha256 }

    /** The runtime that ships, called gpu, whose logits are changed by [steps] levels; [before] is done before it opens. */
    private fun disguised(steps: Int = 0, before: () -> Unit = {}): (ModelFolder) -> List<Runtime> = { folder ->
        val inner = LiteRtRuntime(folder)
        listOf(object : Runtime by inner {
            override val delegate = "gpu"

            override fun open(variant: Variant, threads: Int): Network {
                before()
                opened.incrementAndGet()
                val network = inner.open(variant, threads)
                return object : Network by network {
                    override fun read(name: String) = network.read(name).also { bytes -> if (name == "logit") bytes[0] = (bytes[0] + steps).toByte() }
                }
            }
        })
    }

    private fun about(): AboutActivity = start(AboutActivity::class.java, Intent()).get().also(::checked)

    private fun checked(about: AboutActivity) = wait("the check") { about.text(R.id.check) != context.getString(R.string.check_running) }

    private fun AboutActivity.box() = findViewById<CheckBox>(R.id.gpu)

    private fun AboutActivity.turn() = box().performClick().let { checked(this) }

    private fun line(outcome: String) = context.getString(R.string.tried, "GPU", outcome)

    private fun said(about: AboutActivity, outcome: Int) = assertTrue(about.text(R.id.check), line(context.getString(outcome)) in about.text(R.id.check))

    /** The delegate that ran the model, and what the file says of the accelerator. */
    private fun written(): List<Any?> {
        val file = Json.parse(checkFile.readText()) as Map<*, *>
        val tried = (file["accelerators"] as List<*>).single() as Map<*, *>
        return listOf(file["delegate"], tried["delegate"], tried["outcome"])
    }

    @Test
    fun the_processor_runs_the_model_unless_somebody_asks_for_the_gpu() {
        MainActivity.accelerators = disguised()
        val activity = look(picture("gray.png"))
        assertFalse(context.getString(R.string.on_gpu) in activity.text(R.id.model))
        val about = about()
        assertFalse(about.box().isChecked)
        said(about, R.string.tried_not_asked)
        assertEquals(listOf("xnnpack", "gpu", "not asked") to 0, written() to opened.get())
        checkFile.copyTo(File(work, "device-cpu-check.json"), overwrite = true)
    }

    @Test
    fun a_gpu_that_passes_runs_the_model_and_everything_says_so() {
        MainActivity.accelerators = disguised()
        val activity = look(picture("gray.png"))
        val about = about()
        about.turn()
        assertTrue(about.box().isChecked && about.box().isEnabled)
        assertTrue(about.text(R.id.check).startsWith(context.getString(R.string.check_passed)))
        said(about, R.string.tried_passed)
        assertEquals(listOf("gpu", "gpu", "passed"), written())
        checkFile.copyTo(File(work, "device-gpu-check.json"), overwrite = true)
        val before = opened.get()
        activity.onNewIntentForTest(share(place(picture("gray.png"))))
        wait("a verdict") { activity.settled }
        assertEquals(before + 1, opened.get())
        assertTrue(activity.text(R.id.verdict).isNotEmpty())
        assertTrue(activity.text(R.id.model), activity.text(R.id.model).endsWith(context.getString(R.string.on_gpu)))
        assertTrue(context.getString(R.string.on_gpu) in context.resources.report(activity.screen.shown, activity.screen.ready!!))
        about.turn() // off again
        activity.onNewIntentForTest(share(place(picture("gray.png"))))
        wait("a verdict") { activity.settled }
        assertFalse(context.getString(R.string.on_gpu) in activity.text(R.id.model))
    }

    @Test
    fun a_gpu_with_other_results_runs_nothing() {
        for (steps in listOf(5, -5)) {
            MainActivity.accelerators = disguised(steps)
            AcceleratorTries(context).wanted = true
            val activity = look(picture("gray.png"))
            assertTrue(activity.text(R.id.verdict).isNotEmpty())
            assertFalse(context.getString(R.string.on_gpu) in activity.text(R.id.model))
            val about = about()
            assertTrue(about.text(R.id.check).startsWith(context.getString(R.string.check_passed)))
            said(about, R.string.tried_not_passed)
            assertEquals(listOf("xnnpack", "gpu", "not passed"), written())
        }
    }

    @Test
    fun where_litert_s_own_gpu_does_not_load_the_processor_runs_the_model() {
        AcceleratorTries(context).wanted = true
        val activity = look(picture("gray.png"))
        assertTrue(activity.text(R.id.verdict).isNotEmpty())
        val about = about()
        assertTrue(about.text(R.id.check), line(context.getString(R.string.tried_failed, "").substringBefore("(")) in about.text(R.id.check))
        assertEquals(listOf("xnnpack", "gpu", "failed"), written())
    }

    @Test
    fun a_gpu_that_ended_the_app_is_not_tried_again_before_an_update_or_until_somebody_asks() {
        MainActivity.accelerators = disguised()
        val tries = AcceleratorTries(context).apply { wanted = true }
        tries.begin("gpu $model") // and the process is gone
        val activity = look(picture("gray.png"))
        assertTrue(activity.text(R.id.verdict).isNotEmpty())
        val about = about()
        said(about, R.string.tried_ended)
        assertEquals(listOf("xnnpack", "gpu", "ended the app") to 0, written() to opened.get())
        about.turn()
        said(about, R.string.tried_not_asked)
        about.turn()
        said(about, R.string.tried_passed)
        assertFalse(tries.isOpen("gpu $model"))
        tries.begin("gpu $model")
        shadowOf(context.packageManager).getInternalMutablePackageInfo(context.packageName).lastUpdateTime = 77
        said(about(), R.string.tried_passed)
    }

    @Test
    fun a_try_on_another_screen_is_waited_for_and_taken_for_no_end_of_the_app() {
        val go = CountDownLatch(1)
        val began = AtomicInteger()
        MainActivity.accelerators = disguised { if (began.incrementAndGet() == 1) go.hold() }
        AcceleratorTries(context).wanted = true
        val activity = start(MainActivity::class.java, Intent()).get()
        wait("the try") { began.get() == 1 }
        val about = start(AboutActivity::class.java, Intent()).get()
        repeat(5) { step() }
        assertEquals(context.getString(R.string.check_running), about.text(R.id.check))
        assertFalse(about.box().isEnabled)
        go.countDown()
        checked(about)
        said(about, R.string.tried_passed)
        wait("the model") { activity.screen.ready?.delegate == "gpu" }
    }

    @Test
    fun every_outcome_has_a_line_of_its_own() {
        val lines = listOf(R.string.tried_not_asked, R.string.tried_passed, R.string.tried_not_passed, R.string.tried_failed, R.string.tried_ended)
        assertEquals(lines.size, lines.map { context.getString(it) }.toSet().size)
        assertEquals("", context.resources.tried(emptyList()))
    }
}
