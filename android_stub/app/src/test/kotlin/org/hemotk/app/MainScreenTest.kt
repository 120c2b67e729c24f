package org.hemotk.app

import android.app.Activity
import android.content.Intent
import android.graphics.Bitmap
import android.graphics.Color
import android.graphics.drawable.BitmapDrawable
import android.view.View
import android.view.WindowManager
import android.widget.Button
import android.widget.CheckBox
import android.widget.ImageView
import org.hemotk.core.HemotkException
import org.hemotk.core.Json
import org.hemotk.core.Problem
import org.hemotk.core.sha256
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNotEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.robolectric.Shadows.shadowOf
import java.io.File
import java.io.Serializable
import kotlin.math.abs

class MainScreenTest : BundleCase() {
    private fun predictions() = (Json.parse(File(expected, "predictions.json").readText()) as Map<*, *>)
        .mapValues { it.value as Map<*, *> }

    private fun drawn(activity: Activity): Bitmap =
        (activity.findViewById<ImageView>(R.id.picture).drawable as BitmapDrawable).bitmap

    @Test
    fun a_shared_picture_gets_the_verdict_that_python_gives() {
        assertTrue(predictions().size >= 6)
        for ((name, said) in predictions()) {
            val activity = look(picture("$name"))
            assertEquals("$name", said["verdict"], activity.text(R.id.verdict))
            val status = activity.text(R.id.status)
            val (probability, threshold) = Regex("""[01]\.\d{3}""").findAll(status).map { it.value.toDouble() }.toList()
            assertTrue(status, status.startsWith("Probability of hemorrhage: "))
            assertEquals(status, said["probability"] as Double, probability, 0.005)
            assertEquals(status, said["threshold"] as Double, threshold, 0.0006)
            val doubts = (said["doubts"] as List<*>).isNotEmpty()
            assertEquals("$name: ${activity.text(R.id.doubts)}", doubts, activity.text(R.id.doubts).isNotEmpty())
            assertEquals(if (doubts) View.VISIBLE else View.GONE, activity.findViewById<View>(R.id.doubts).visibility)
        }
    }

    @Test
    fun pictures_without_loss_have_the_gray_that_python_gives_them() {
        val preprocess = only.open().card.preprocess
        val exact = predictions().filterKeys { !"$it".endsWith(".jpg") }
        assertTrue("${exact.keys}", exact.size >= 11)
        for ((name, said) in exact) {
            val gray = decode(picture("$name"), preprocess, "$name").gray
            assertEquals("$name", said["gray"], sha256(gray.bytes))
        }
    }

    @Test
    fun the_threshold_is_shown_from_the_side_that_it_is_held_from() {
        val preprocess = org.hemotk.core.Preprocess(64, 0.02, 115)
        val card = org.hemotk.core.Card(
            "a", listOf("normal", "hemorrhage"), preprocess, org.hemotk.core.Decision(0.3, 1.0), emptyList(), emptyMap(), "",
        )
        val finding = org.hemotk.core.Finding(0.0, 0.25, 0, "normal", null, emptyList())
        val looked = Looked(finding, org.hemotk.core.Gray(1, 1, ByteArray(1)), corrected = false)
        val seen = Shown.Seen(looked, card, Bitmap.createBitmap(1, 1, Bitmap.Config.ARGB_8888), null)
        assertEquals("Probability of hemorrhage: 0.250 (called from 0.300)", context.resources.probability(seen))
    }

    @Test
    fun the_notice_and_the_model_are_always_there() {
        val activity = start(MainActivity::class.java, Intent()).get()
        assertEquals("Research, not for diagnosis.", activity.text(R.id.notice))
        assertEquals(View.VISIBLE, activity.findViewById<View>(R.id.notice).visibility)
        assertEquals(context.getString(R.string.nothing_yet), activity.text(R.id.status))
        assertEquals(View.GONE, activity.findViewById<View>(R.id.picture).visibility)
        wait("the model's name") { "64" in activity.text(R.id.model) }
        assertEquals("", activity.text(R.id.verdict))
    }

    @Test
    fun the_picture_is_shown_and_the_map_over_it_when_asked_for() {
        val activity = look(picture("gray.png"))
        val box = activity.findViewById<CheckBox>(R.id.show_map)
        assertEquals(View.VISIBLE, box.visibility)
        assertEquals(View.GONE, activity.findViewById<View>(R.id.legend).visibility)
        val plain = drawn(activity)
        val pixels = IntArray(plain.width * plain.height).also { plain.getPixels(it, 0, plain.width, 0, 0, plain.width, plain.height) }
        assertTrue("the picture is blank", pixels.toSet().size > 50)
        assertTrue("the picture is gray", pixels.all { Color.red(it) == Color.green(it) && Color.red(it) == Color.blue(it) })
        box.isChecked = true
        val image = activity.findViewById<ImageView>(R.id.picture)
        assertEquals(context.getString(R.string.picture_with_map, "hemorrhage"), image.contentDescription)
        assertEquals(View.VISIBLE, activity.findViewById<View>(R.id.legend).visibility)
        val map = drawn(activity)
        assertNotEquals(plain, map)
        val colours = (0 until map.width).count { map.getPixel(it, map.height / 2).let { at -> Color.red(at) != Color.blue(at) } }
        assertTrue("the map has no colours", colours > map.width / 4)
        box.isChecked = false
        assertEquals(context.getString(R.string.picture), image.contentDescription)
        assertEquals(plain, drawn(activity))
    }

    @Test
    fun bad_pictures_get_a_sentence_and_no_verdict() {
        val sentences = mapOf(
            "no picture".toByteArray() to R.string.problem_no_picture,
            ByteArray(0) to R.string.problem_no_picture,
            picture("gray.png").copyOf(60) to R.string.problem_no_picture,
            picture("gray.png").copyOf(5000) to R.string.problem_no_picture,
            picture("gray.jpg").let { it.copyOf(it.size / 2) } to R.string.problem_no_picture,
            picture("plain.gif").let { it.copyOf(it.size / 2) } to R.string.problem_no_picture,
            picture("plain.bmp").let { it.copyOf(it.size / 2) } to R.string.problem_no_picture,
            bad("too_large.png") to R.string.problem_picture_too_large,
            bad("too_large.jpg") to R.string.problem_picture_too_large,
            bad("too_small.png") to R.string.problem_picture_too_small,
            bad("too_small.jpg") to R.string.problem_picture_too_small,
            bad("animated.png") to R.string.problem_several_frames,
            bad("animated.gif") to R.string.problem_several_frames,
            bad("animated.webp") to R.string.problem_several_frames,
            bad("cmyk.jpg") to R.string.problem_unusual_colours,
            // Its size is known from its header, before pixels that are not all there are decoded.
            bad("too_large.jpg").copyOf(1000) + byteArrayOf(-1, 0xD9.toByte()) to R.string.problem_picture_too_large,
            bad("transparent.png") to R.string.problem_wholly_transparent,
            bad("transparent.webp") to R.string.problem_wholly_transparent,
            bad("deep.png") to R.string.problem_few_levels,
            ByteArray(64_000_001) to R.string.problem_file_too_large,
        )
        for ((content, sentence) in sentences) {
            val activity = look(content)
            assertEquals("${content.size} bytes", context.getString(sentence), activity.text(R.id.status))
            assertEquals("", activity.text(R.id.verdict))
            assertEquals(View.GONE, activity.findViewById<View>(R.id.picture).visibility)
            assertEquals(View.GONE, activity.findViewById<View>(R.id.share).visibility)
        }
    }

    private fun bad(name: String) = File(expected, "bad/$name").readBytes()

    @Test
    fun a_picture_may_come_as_an_extra_and_absurd_extras_are_no_harm() {
        val uri = place(picture("gray.png"))
        val plain = Intent(context, MainActivity::class.java).setAction(Intent.ACTION_SEND).putExtra(Intent.EXTRA_STREAM, uri)
        val activity = start(MainActivity::class.java, plain).get()
        wait("a verdict") { activity.settled }
        assertTrue(activity.text(R.id.verdict).isNotEmpty())
        val odd = listOf("text", ByteArray(9), arrayOf("a"), 7, arrayListOf("a", "b"), arrayListOf<String>())
        for (extra in odd) for (action in listOf(Intent.ACTION_SEND, Intent.ACTION_SEND_MULTIPLE)) {
            val intent = Intent(context, MainActivity::class.java).setAction(action).putExtra(Intent.EXTRA_STREAM, extra as Serializable)
            val other = start(MainActivity::class.java, intent).get()
            repeat(5) { step() }
            assertEquals(context.getString(R.string.nothing_yet), other.text(R.id.status))
        }
        for (action in listOf(Intent.ACTION_VIEW, Intent.ACTION_MAIN)) {
            val other = start(MainActivity::class.java, share(uri).setAction(action)).get()
            repeat(5) { step() }
            assertEquals(context.getString(R.string.nothing_yet), other.text(R.id.status))
        }
    }

    @Test
    fun the_picker_is_asked_for_a_picture_and_its_answer_is_looked_at() {
        val activity = start(MainActivity::class.java, Intent()).get()
        activity.findViewById<Button>(R.id.pick).performClick()
        val asked = shadowOf(activity).nextStartedActivityForResult
        assertEquals(Intent.ACTION_OPEN_DOCUMENT, asked.intent.action)
        val kinds = asked.intent.getStringArrayExtra(Intent.EXTRA_MIME_TYPES).orEmpty().toList()
        assertEquals(listOf("image/*", "application/dicom", "application/octet-stream"), kinds)
        assertTrue(asked.intent.getBooleanExtra(Intent.EXTRA_ALLOW_MULTIPLE, false))
        val uri = place(picture("gray.png"))
        shadowOf(activity).receiveResult(asked.intent, Activity.RESULT_CANCELED, Intent().setData(uri))
        repeat(5) { step() }
        assertEquals(context.getString(R.string.nothing_yet), activity.text(R.id.status))
        activity.findViewById<Button>(R.id.pick).performClick()
        shadowOf(activity).receiveResult(shadowOf(activity).nextStartedActivityForResult.intent, Activity.RESULT_OK, Intent().setData(uri))
        wait("a verdict") { activity.settled }
        assertEquals(predictions().getValue("gray.png")["verdict"], activity.text(R.id.verdict))
    }

    @Test
    fun a_device_without_a_picker_says_so() {
        shadowOf(context as android.app.Application).checkActivities(true)
        val activity = start(MainActivity::class.java, Intent()).get()
        activity.findViewById<Button>(R.id.pick).performClick()
        assertEquals(context.getString(R.string.no_picker), activity.text(R.id.status))
    }

    @Test
    fun what_is_shared_says_what_gave_it_and_names_no_file() {
        val activity = look(picture("gray.png"))
        activity.findViewById<Button>(R.id.share).performClick()
        val chooser = shadowOf(activity).nextStartedActivity
        @Suppress("DEPRECATION")
        val sent = chooser.getParcelableExtra<Intent>(Intent.EXTRA_INTENT)!!
        val text = sent.getStringExtra(Intent.EXTRA_TEXT)!!
        assertEquals("text/plain", sent.type)
        assertTrue(text, text.startsWith(activity.text(R.id.verdict) + "\n"))
        for (part in listOf(activity.text(R.id.status), "Research, not for diagnosis.", "SHA-256")) assertTrue(text, part in text)
        assertTrue(text, "content://" !in text && "pictures" !in text && sent.data == null)
        assertEquals(null, sent.clipData?.getItemAt(0)?.uri)
    }

    @Test
    fun every_problem_has_a_sentence_of_its_own() {
        val sentences = Problem.values().map { context.resources.sentence(HemotkException(it, "the file")) }
        assertEquals(Problem.values().size, sentences.toSet().size)
        assertEquals(context.getString(R.string.problem_too_little_memory), context.resources.sentence(OutOfMemoryError()))
        assertEquals(context.getString(R.string.problem_no_runtime), context.resources.sentence(UnsatisfiedLinkError("x")))
        assertTrue("it broke" in context.resources.sentence(IllegalStateException("it broke\nsecond line")))
    }

    @Test
    fun the_screen_is_kept_private_only_where_the_app_was_built_so() {
        val activity = start(MainActivity::class.java, Intent()).get()
        assertEquals(0, activity.window.attributes.flags and WindowManager.LayoutParams.FLAG_SECURE)
        assertEquals(false, context.resources.getBoolean(R.bool.secure))
    }

    @Test
    fun maps_are_as_large_as_a_phone_shows_them_and_no_larger() {
        val activity = look(File(expected, "pictures/large.png").readBytes())
        assertTrue(abs(drawn(activity).width - 1024) < 1 && drawn(activity).height == 1024)
    }
}
