package org.hemotk.app

import android.app.Activity
import android.content.ClipData
import android.content.Intent
import android.net.Uri
import android.os.Bundle
import android.view.View
import android.view.ViewGroup
import android.widget.Button
import android.widget.TextView
import org.hemotk.core.Json
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import org.robolectric.Robolectric
import org.robolectric.Shadows.shadowOf
import java.io.ByteArrayInputStream
import java.io.File
import java.io.InputStream
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger

class SeriesScreenTest : BundleCase() {
    private val said = Json.parse(File(expected, "series.json").readText()) as Map<*, *>
    private val slices = (said["slices"] as List<*>).map { it as Map<*, *> }

    private fun slice(name: String) = File(expected, "series/$name").readBytes()

    /** The DICOM series in another order than its own. */
    private fun dicom() = named(slices.map { it["name"] as String }.sorted().associateWith(::slice))

    private fun series(uris: List<Uri>): MainActivity = start(MainActivity::class.java, share(uris)).get().also { activity ->
        wait("a verdict or a sentence") { activity.settled }
    }

    private fun MainActivity.lines() =
        findViewById<ViewGroup>(R.id.slices).let { list -> (0 until list.childCount).map { list.getChildAt(it) as TextView } }

    private fun Activity.visibility(id: Int) = findViewById<View>(id).visibility

    @Test
    fun slices_that_are_shared_together_get_the_verdict_that_python_gives_the_series() {
        val activity = series(dicom())
        assertEquals(said["verdict"], activity.text(R.id.verdict))
        val (score, threshold) = Regex("""[01]\.\d{3}""").findAll(activity.text(R.id.status)).map { it.value.toDouble() }.toList()
        assertEquals(said["probability"] as Double, score, 0.005)
        assertEquals(said["threshold"] as Double, threshold, 0.0006)
        assertTrue(activity.text(R.id.status), activity.text(R.id.status).startsWith("Mean of the ${said["k"]} highest of ${slices.size} slices for hemorrhage"))
        for ((place, slice) in slices.withIndex()) {
            val text = activity.lines()[place].text.toString()
            assertTrue(text, text.startsWith("${place + 1}. ${slice["name"]}\n${slice["verdict"]}, "))
            assertEquals(text, slice["probability"] as Double, Regex("""[01]\.\d{3}""").find(text)!!.value.toDouble(), 0.005)
            assertEquals(text, slice["corrected"], context.getString(R.string.corrected) in text)
        }
        assertEquals(said["k"], activity.lines().count { context.getString(R.string.slice_counts) in it.text }.toLong())
        assertEquals(if (said["assumed"] == true) View.VISIBLE else View.GONE, activity.visibility(R.id.remark))
    }

    @Test
    fun a_single_dicom_file_is_looked_at_through_the_card_s_window() {
        for (slice in slices.take(3)) {
            val activity = look(slice(slice["name"] as String))
            assertEquals(slice["verdict"], activity.text(R.id.verdict))
            val probability = Regex("""[01]\.\d{3}""").find(activity.text(R.id.status))!!.value.toDouble()
            assertEquals(slice["probability"] as Double, probability, 0.005)
            assertEquals(if (slice["corrected"] == true) View.VISIBLE else View.GONE, activity.visibility(R.id.remark))
        }
    }

    @Test
    fun a_line_opens_its_picture_and_a_rotation_keeps_it_open() {
        val watched = Watched().apply { install() }
        val controller = start(MainActivity::class.java, share(dicom()))
        wait("a verdict") { controller.get().settled }
        assertEquals(View.GONE, controller.get().visibility(R.id.picture))
        controller.get().lines()[1].performClick()
        wait("the picture") { controller.get().visibility(R.id.picture) == View.VISIBLE }
        assertEquals(controller.get().lines()[1].text.toString(), controller.get().text(R.id.opened))
        val inferences = watched.invoked.get()
        controller.recreate()
        assertEquals(View.VISIBLE, controller.get().visibility(R.id.picture))
        assertEquals(slices.size, controller.get().lines().size)
        assertEquals(said["verdict"], controller.get().text(R.id.verdict))
        repeat(5) { step() }
        assertEquals(inferences, watched.invoked.get())
    }

    @Test
    fun a_picture_that_cannot_be_read_leaves_the_others_their_verdicts_and_the_series_none() {
        val files = mapOf("a1.png" to picture("gray.png"), "a2.png" to ByteArray(9), "a3.png" to picture("inverted.png"))
        val activity = series(named(files))
        assertEquals("", activity.text(R.id.verdict))
        assertEquals(context.getString(R.string.series_failed, 1, 3), activity.text(R.id.status))
        val (first, second, third) = activity.lines()
        assertTrue(first is Button && second !is Button && third is Button)
        assertTrue(context.getString(R.string.problem_no_picture) in second.text)
        assertTrue("a1.png\n" in first.text && "This may be no head CT slice" in third.text)
        assertEquals(View.VISIBLE, activity.visibility(R.id.share))
    }

    @Test
    fun pictures_that_are_no_series_get_a_sentence_and_no_verdict() {
        val slice = slice(slices[0]["name"] as String)
        val png = picture("gray.png")
        val twice = named(mapOf("a.png" to png)).let { listOf(it[0], it[0]) }
        val wrong = mapOf(
            named(mapOf("a.dcm" to slice, "b.png" to png)) to context.getString(R.string.problem_series_mixed, "b.png"),
            named(mapOf("a.dcm" to slice, "b.dcm" to slice)) to context.getString(R.string.problem_series_twice, "b.dcm"),
            named(mapOf("a.dcm" to slice, "b.dcm" to File(expected, "series-of-another.dcm").readBytes())) to
                context.getString(R.string.problem_series_several),
            twice to context.getString(R.string.problem_series_twice, "a.png"),
            List(MOST_PICTURES + 1) { twice[0] } to context.getString(R.string.problem_series_too_long, "$MOST_PICTURES"),
        )
        for ((uris, sentence) in wrong) {
            val activity = series(uris)
            assertEquals(sentence, activity.text(R.id.status))
            assertEquals("", activity.text(R.id.verdict))
        }
    }

    @Test
    fun each_picture_is_opened_once_and_work_is_told_as_it_goes() {
        val opened = AtomicInteger()
        val held = CountDownLatch(1)
        val last = object : InputStream() {
            private val content = ByteArrayInputStream(picture("gray.png"))

            override fun read(): Int = content.read().also { held.hold() }
        }
        val uris = List(2) { place { ByteArrayInputStream(picture("colour.png")).also { opened.incrementAndGet() } } } +
            place { last.also { opened.incrementAndGet() } }
        val activity = start(MainActivity::class.java, share(uris)).get()
        wait("the third picture") { activity.text(R.id.status) == context.getString(R.string.working_series, 3, 3) }
        assertEquals(View.VISIBLE, activity.visibility(R.id.cancel))
        held.countDown()
        wait("a verdict") { activity.settled }
        assertEquals(View.GONE, activity.visibility(R.id.cancel))
        assertEquals(3, opened.get())
        assertTrue(activity.text(R.id.verdict).isNotEmpty())
    }

    @Test
    fun what_is_cancelled_is_never_shown() {
        val go = CountDownLatch(1)
        val watched = Watched { count -> if (count == 6) go.hold() }.apply { install() }
        val controller = start(MainActivity::class.java, share(dicom()))
        val activity = controller.get()
        wait("the second slice") { watched.invoked.get() == 6 }
        activity.findViewById<Button>(R.id.cancel).performClick()
        assertEquals(context.getString(R.string.nothing_yet), activity.text(R.id.status))
        go.countDown()
        repeat(20) { step() }
        assertEquals(context.getString(R.string.nothing_yet), activity.text(R.id.status))
        assertEquals("", activity.text(R.id.verdict))
        assertEquals(listOf(View.GONE, View.GONE), listOf(R.id.cancel, R.id.slices).map { activity.visibility(it) })
        assertTrue("${watched.invoked.get()}", watched.invoked.get() <= 6) // the rest was not looked at
        val state = Bundle().also { controller.saveInstanceState(it) }
        assertFalse(state.containsKey("shown"))
    }

    @Test
    fun after_the_process_died_the_series_is_looked_at_again() {
        val first = start(MainActivity::class.java, share(dicom()))
        wait("a verdict") { first.get().settled }
        val state = Bundle().also { first.saveInstanceState(it) }
        val next = Robolectric.buildActivity(MainActivity::class.java, Intent()).setup(state)
        wait("the verdict again") { next.get().settled }
        assertEquals(first.get().text(R.id.status), next.get().text(R.id.status))
        next.pause().stop().destroy()
    }

    @Test
    fun a_single_picture_after_a_series_leaves_nothing_of_it() {
        val activity = series(dicom())
        activity.onNewIntentForTest(share(place(picture("gray.png"))))
        wait("a verdict") { activity.settled }
        assertEquals(listOf(View.GONE, View.GONE, 0), listOf(activity.visibility(R.id.slices), activity.visibility(R.id.opened), activity.lines().size))
    }

    @Test
    fun several_may_come_from_the_picker_or_as_an_extra_and_absurd_ones_are_no_harm() {
        val activity = start(MainActivity::class.java, Intent()).get()
        activity.findViewById<Button>(R.id.pick).performClick()
        val answer = Intent().also { it.clipData = share(dicom()).clipData }
        shadowOf(activity).receiveResult(shadowOf(activity).nextStartedActivityForResult.intent, Activity.RESULT_OK, answer)
        wait("a verdict") { activity.settled }
        assertEquals(said["verdict"], activity.text(R.id.verdict))
        val extra = Intent(context, MainActivity::class.java).setAction(Intent.ACTION_SEND_MULTIPLE)
        val other = start(MainActivity::class.java, extra.putParcelableArrayListExtra(Intent.EXTRA_STREAM, ArrayList(dicom()))).get()
        wait("a verdict") { other.settled }
        assertEquals(said["verdict"], other.text(R.id.verdict))
        val odd = listOf(
            Intent().putExtra(Intent.EXTRA_STREAM, "text"),
            Intent().putStringArrayListExtra(Intent.EXTRA_STREAM, arrayListOf("a", "b")),
            Intent().apply { clipData = ClipData.newPlainText("a", "b") },
            Intent(),
        )
        for (intent in odd) {
            val none = start(MainActivity::class.java, intent.setClass(context, MainActivity::class.java).setAction(Intent.ACTION_SEND_MULTIPLE)).get()
            repeat(5) { step() }
            assertEquals(context.getString(R.string.nothing_yet), none.text(R.id.status))
        }
    }

    @Test
    fun what_is_shared_of_a_series_names_no_picture() {
        val files = mapOf("Annegret.png" to picture("gray.png"), "Kemal.png" to picture("inverted.png"))
        for (uris in listOf(named(files), named(files + ("Bad.png" to ByteArray(3))), named(files).let { it + it[0] })) {
            val activity = series(uris)
            activity.findViewById<Button>(R.id.share).performClick()
            @Suppress("DEPRECATION")
            val text = shadowOf(activity).nextStartedActivity.getParcelableExtra<Intent>(Intent.EXTRA_INTENT)!!.getStringExtra(Intent.EXTRA_TEXT)!!
            assertTrue(text, listOf("Annegret", "Kemal", "Bad.png", "content:").none { it in text })
            for (part in listOf("1. ", "2. ", "Research, not for diagnosis.", "SHA-256")) assertTrue(text, part in text)
            assertTrue(text, activity.text(R.id.verdict) in text)
        }
    }

    @Test
    fun a_provider_that_hangs_keeps_no_other_look_waiting() {
        val opened = CountDownLatch(1)
        val end = CountDownLatch(1)
        val hangs = object : InputStream() {
            override fun read(): Int = -1.also {
                opened.countDown()
                end.await()
            }
        }
        val activity = start(MainActivity::class.java, share(listOf(place { hangs }, place(picture("gray.png"))))).get()
        assertTrue(opened.await(30, TimeUnit.SECONDS))
        activity.onNewIntentForTest(share(place(picture("gray.png"))))
        wait("a verdict") { activity.settled }
        assertTrue(activity.text(R.id.verdict).isNotEmpty())
        end.countDown()
    }
}
