package org.hemotk.app

import android.content.Intent
import android.graphics.Bitmap
import android.graphics.Color
import android.os.Bundle
import android.view.View
import android.view.ViewGroup
import android.view.WindowManager
import android.widget.Button
import android.widget.RadioButton
import org.hemotk.core.Tensor
import org.hemotk.core.toPixels
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.robolectric.Robolectric
import org.robolectric.Shadows.shadowOf
import java.io.ByteArrayOutputStream
import java.io.IOException
import java.io.InputStream
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.concurrent.CountDownLatch

/** The screens with the project's own models, whose recorded outputs stand for a runtime; this test goes with the project. */
class RecordedScreenTest : ScreenCase() {
    private val recorded = recordedModels(context)
    private val runtime = RecordedRuntime(recorded)
    private val first = recorded[0]
    private val golden = first.pictures[0]

    @Before
    fun install() = runWith(runtime)

    private fun runWith(other: RecordedRuntime) {
        MainActivity.runtime = { other }
    }

    private fun ask(model: RecordedModel) {
        Choice(context).chosen = model.place
    }

    private fun about(): AboutActivity {
        val activity = start(AboutActivity::class.java, Intent()).get()
        wait("the check") { activity.text(R.id.check) != context.getString(R.string.check_running) }
        return activity
    }

    private fun MainActivity.visible(id: Int) = findViewById<View>(id).visibility == View.VISIBLE

    private fun withheld(activity: MainActivity, sentence: String) {
        assertEquals(listOf(sentence, ""), listOf(activity.text(R.id.status), activity.text(R.id.verdict)))
        assertEquals(listOf(false, false), listOf(R.id.picture, R.id.share).map { activity.visible(it) })
    }

    @Test
    fun every_golden_picture_gets_the_verdict_that_python_gives() {
        for (model in recorded) {
            ask(model)
            val card = model.place.open().card
            for (picture in model.pictures) {
                val activity = look(picture.content)
                assertEquals(picture.file, picture.verdict, activity.text(R.id.verdict))
                val status = context.getString(R.string.probability, card.labels[1], picture.probability, card.decision.threshold)
                assertEquals(picture.file, status, activity.text(R.id.status))
                assertEquals(picture.file, picture.hasDoubts, activity.visible(R.id.doubts))
                val by = if (recorded.size > 1) context.getString(R.string.by_model, card.name) else ""
                assertEquals(by, activity.text(R.id.by))
                val shown = listOf(R.id.picture, R.id.share, R.id.show_map).map { activity.visible(it) }
                assertEquals(listOf(true, true, "cam" in picture.outputs), shown)
            }
        }
    }

    @Test
    fun the_golden_pictures_as_a_series_get_the_verdict_that_python_gives() {
        for (model in recorded) {
            ask(model)
            val activity = start(MainActivity::class.java, share(named(model.pictures.associate { it.file to it.content }))).get()
            wait("a verdict") { activity.settled }
            val found = (activity.screen.shown as Shown.Series).outcome!!
            assertEquals(model.series["verdict"], activity.text(R.id.verdict))
            assertEquals(model.series["probability"] as Double, found.probability, 1e-9)
            assertEquals(model.series["threshold"] as Double, found.rule.threshold, 1e-9)
            assertEquals(model.pictures.size, activity.findViewById<ViewGroup>(R.id.slices).childCount)
        }
    }

    /** Bright at its corners, as no slice is. */
    private fun bright(): ByteArray {
        val bitmap = Bitmap.createBitmap(200, 200, Bitmap.Config.ARGB_8888)
        for (y in 0 until 200) for (x in 0 until 200) {
            val level = minOf(255, maxOf(maxOf(x, 199 - x), maxOf(y, 199 - y)) * 2 - 150)
            bitmap.setPixel(x, y, Color.rgb(level, level, level))
        }
        return ByteArrayOutputStream().also { bitmap.compress(Bitmap.CompressFormat.PNG, 100, it) }.toByteArray()
    }

    @Test
    fun a_picture_that_may_be_no_slice_gets_its_doubts_beside_the_verdict() {
        val preprocess = first.place.open().card.preprocess
        runtime.also.add(toPixels(decode(bright(), preprocess, "bright").gray, preprocess.size) to golden.outputs)
        ask(first)
        val activity = look(bright())
        assertEquals(golden.verdict, activity.text(R.id.verdict))
        assertTrue(activity.visible(R.id.doubts))
        assertTrue(activity.text(R.id.doubts), context.getString(R.string.doubt_corners) in activity.text(R.id.doubts))
    }

    @Test
    fun a_picture_without_a_record_gets_no_number() {
        withheld(look(bright()), context.getString(R.string.problem_interpreter, "nothing is recorded of this picture"))
    }

    @Test
    fun a_file_that_is_no_picture_gets_a_sentence_and_no_verdict() {
        val sentences = mapOf(
            "no picture".toByteArray() to R.string.problem_no_picture,
            ByteArray(0) to R.string.problem_no_picture,
            golden.content.copyOf(golden.content.size / 2) to R.string.problem_no_picture,
            ByteArray(64_000_001) to R.string.problem_file_too_large,
        )
        for ((content, sentence) in sentences) withheld(look(content), context.getString(sentence))
    }

    private fun throwing(error: Exception) = object : InputStream() {
        override fun read(): Int = throw error
    }

    @Test
    fun another_app_that_fails_gets_a_sentence_that_speaks_of_it() {
        withheld(look(place { throwing(SecurityException("no")) }), context.getString(R.string.problem_provider_refused))
        withheld(look(place { throwing(IOException("gone")) }), context.getString(R.string.problem_provider_failed))
    }

    @Test
    fun a_library_that_does_not_load_gets_a_sentence() {
        MainActivity.runtime = { throw UnsatisfiedLinkError("none for this processor") }
        withheld(look(golden.content), context.getString(R.string.problem_no_runtime))
    }

    @Test
    fun a_rotation_keeps_the_verdict_and_asks_nothing_again() {
        ask(first)
        val controller = start(MainActivity::class.java, share(place(golden.content)))
        wait("a verdict") { controller.get().settled }
        val inferences = runtime.invoked.get()
        controller.recreate()
        assertEquals(golden.verdict, controller.get().text(R.id.verdict))
        assertTrue(controller.get().visible(R.id.picture))
        repeat(5) { step() }
        assertEquals(listOf(1, inferences, 0), listOf(runtime.opened, runtime.invoked, runtime.closed).map { it.get() })
    }

    @Test
    fun after_the_process_died_the_picture_is_looked_at_again() {
        ask(first)
        val before = start(MainActivity::class.java, share(place(golden.content)))
        wait("a verdict") { before.get().settled }
        val state = Bundle().also { before.saveInstanceState(it) }
        val after = Robolectric.buildActivity(MainActivity::class.java, Intent()).setup(state)
        wait("the verdict again") { after.get().settled }
        assertEquals(golden.verdict, after.get().text(R.id.verdict))
        after.pause().stop().destroy()
    }

    @Test
    fun leaving_closes_the_model() {
        val controller = start(MainActivity::class.java, share(place(golden.content)))
        wait("a verdict") { controller.get().settled }
        controller.pause().stop().destroy()
        wait("the end") { runtime.closed.get() == 1 }
    }

    @Test
    fun a_verdict_goes_at_once_when_another_picture_comes() {
        ask(first)
        val activity = look(golden.content)
        assertEquals(golden.verdict, activity.text(R.id.verdict))
        val end = CountDownLatch(1)
        val waiting = object : InputStream() {
            override fun read() = -1.also { end.await() }
        }
        activity.onNewIntentForTest(share(place { waiting }))
        withheld(activity, context.getString(R.string.working))
        end.countDown()
    }

    @Test
    fun the_about_screen_shows_the_cards_and_a_check_that_passed() {
        val activity = about()
        val checks = activity.text(R.id.check).split("\n\n\n")
        assertEquals(recorded.size, checks.size)
        for ((check, model) in checks.zip(recorded)) {
            assertTrue(check, check.startsWith(context.getString(R.string.check_passed)))
            for (part in model.pictures.map { it.file } + model.sha256) assertTrue(check, part in check)
            val card = model.place.modelCard ?: context.getString(R.string.about_no_card)
            assertTrue(card.trim() in activity.text(R.id.card))
        }
        assertTrue(activity.text(R.id.licences).isNotEmpty())
    }

    /** Far from what was recorded, in the tensor's own way of storing numbers. */
    private fun far(tensor: Tensor, stored: ByteArray): ByteArray {
        if (tensor.dtype == "uint8") return ByteArray(stored.size) { (stored[it].toInt() xor 64).toByte() }
        val floats = ByteBuffer.wrap(stored).order(ByteOrder.LITTLE_ENDIAN)
        for (at in stored.indices step 4) floats.putFloat(at, floats.getFloat(at) + 1000)
        return stored
    }

    @Test
    fun a_check_that_fails_withholds_every_verdict() {
        for (output in listOf("logit", "cam").filter { it in golden.outputs }) {
            runWith(RecordedRuntime(recorded) { tensor, stored -> if (tensor.name == output) far(tensor, stored) else stored })
            for (model in recorded) {
                ask(model)
                withheld(look(golden.content), context.getString(R.string.problem_check_failed))
            }
            for (check in about().text(R.id.check).split("\n\n\n")) {
                assertTrue(check, check.startsWith(context.getString(R.string.check_not_passed)))
            }
        }
    }

    @Test
    fun several_models_are_offered_and_one_is_not() {
        ask(first)
        val group = look(golden.content).findViewById<ViewGroup>(R.id.models)
        val offered = (0 until group.childCount).mapNotNull { group.getChildAt(it) as? RadioButton }
        assertEquals(if (recorded.size > 1) recorded.map { it.place.name } else emptyList(), offered.map { it.text })
        assertEquals(if (recorded.size > 1) listOf(first.place.name) else emptyList(), offered.filter { it.isChecked }.map { it.text })
    }

    @Test
    fun what_is_shared_has_the_verdict_and_names_no_file() {
        ask(first)
        val activity = look(named(mapOf("somebody.png" to golden.content))[0])
        activity.findViewById<Button>(R.id.share).performClick()
        @Suppress("DEPRECATION")
        val sent = shadowOf(activity).nextStartedActivity.getParcelableExtra<Intent>(Intent.EXTRA_INTENT)!!
        val text = sent.getStringExtra(Intent.EXTRA_TEXT)!!
        assertTrue(text, text.startsWith(golden.verdict + "\n") && context.getString(R.string.notice) in text && first.sha256 in text)
        assertTrue(text, "somebody" !in text && "content://" !in text)
    }

    @Test
    fun nothing_is_kept_unasked_and_the_screen_is_as_private_as_the_app_was_built() {
        val activity = look(golden.content)
        assertEquals(0, HistoryStore(context).read().entries.size)
        val private = activity.window.attributes.flags and WindowManager.LayoutParams.FLAG_SECURE != 0
        assertEquals(context.resources.getBoolean(R.bool.secure), private)
        assertEquals(context.getString(R.string.notice), activity.text(R.id.notice))
    }
}
