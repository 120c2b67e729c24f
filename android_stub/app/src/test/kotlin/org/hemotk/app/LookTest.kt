package org.hemotk.app

import android.app.Activity
import android.content.Intent
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Color
import android.util.TypedValue
import android.view.View
import android.view.ViewGroup
import android.widget.Button
import android.widget.CheckBox
import android.widget.ScrollView
import android.widget.TextView
import org.junit.Assert.assertTrue
import org.junit.Test
import org.robolectric.RuntimeEnvironment
import java.io.File

/** How the screens look: nothing is cut off on any device, and pictures of all of them lie in build/screens afterwards. */
class LookTest : BundleCase() {
    private val folder = File(work, "screens").apply { mkdirs() }
    private val devices = mapOf(
        "phone" to "w360dp-h740dp-xhdpi",
        "small" to "w320dp-h480dp-mdpi",
        "landscape" to "w740dp-h360dp-land-xhdpi",
        "tablet" to "w800dp-h1280dp-mdpi",
        "dark" to "w360dp-h740dp-night-xhdpi",
        "german" to "de-w360dp-h740dp-xhdpi",
        "rtl" to "ar-ldrtl-w360dp-h740dp-xhdpi",
    )

    private fun on(device: String, font: Float = 1f, step: (String) -> Unit) {
        RuntimeEnvironment.setQualifiers(devices.getValue(device))
        RuntimeEnvironment.setFontScale(font)
        step(if (font == 1f) device else "$device-font$font")
    }

    private fun everywhere(step: (String) -> Unit) {
        devices.keys.forEach { on(it, 1f, step) }
        on("phone", 2f, step)
    }

    private fun Activity.scroll() = findViewById<ViewGroup>(android.R.id.content).getChildAt(0) as ScrollView

    private fun keep(activity: Activity, name: String) {
        step()
        val content = activity.scroll().getChildAt(0)
        check(content, name)
        val bitmap = Bitmap.createBitmap(content.width, content.height, Bitmap.Config.ARGB_8888)
        val background = TypedValue().also { activity.theme.resolveAttribute(android.R.attr.colorBackground, it, true) }
        bitmap.eraseColor(if (background.type >= TypedValue.TYPE_FIRST_COLOR_INT) background.data else Color.WHITE)
        content.draw(Canvas(bitmap))
        File(folder, "$name.png").outputStream().use { bitmap.compress(Bitmap.CompressFormat.PNG, 100, it) }
    }

    /** No text is cut off, nothing is wider than the screen, and what is touched is large enough for a finger. */
    private fun check(view: View, name: String) {
        if (view.visibility != View.VISIBLE) return
        if (view is ViewGroup) {
            (0 until view.childCount).forEach { at ->
                val child = view.getChildAt(at)
                check(child, name)
                if (child.visibility == View.VISIBLE) assertTrue("$name: $child", child.left >= 0 && child.right <= view.width)
            }
        }
        if (view is TextView && view.text.isNotEmpty()) {
            val text = view.layout
            assertTrue("$name: '${view.text}' has no layout", text != null)
            assertTrue("$name: '${view.text}' is cut off", text.height <= view.height - view.compoundPaddingTop - view.compoundPaddingBottom + 1)
            assertTrue("$name: '${view.text}' is shortened", (0 until text.lineCount).all { text.getEllipsisCount(it) == 0 })
        }
        if (view is Button) {
            val least = 48 * view.resources.displayMetrics.density
            assertTrue("$name: '${view.text}' is ${view.height} pixels high", view.height >= least - 1)
        }
    }

    @Test
    fun nothing_is_cut_off_on_the_main_screen() = everywhere { device ->
        keep(start(MainActivity::class.java, Intent()).get(), "$device-nothing-yet")
        val activity = look(picture("gray.png"))
        activity.findViewById<CheckBox>(R.id.show_map).isChecked = true
        keep(activity, "$device-verdict-with-map")
        keep(look(picture("inverted.png")), "$device-doubts")
        keep(look(File(expected, "bad/cmyk.jpg").readBytes()), "$device-refused")
    }

    @Test
    fun nothing_is_cut_off_with_several_models() = everywhere { device ->
        Choice.found = { several(it, listOf("small", "other")) }
        keep(look(picture("gray.png")), "$device-models")
        Choice.found = { several(it, listOf("small", "densenet201 pruned to a half, of another hospital")) }
        val activity = start(MainActivity::class.java, Intent()).get()
        wait("the model") { activity.screen.ready != null }
        keep(activity, "$device-models-long-name")
    }

    @Test
    fun nothing_is_cut_off_of_a_series() = everywhere { device ->
        val files = File(expected, "series").listFiles()!!.associate { it.name to it.readBytes() }
        for ((name, content) in listOf("series" to files, "series-incomplete" to files + ("s13.dcm" to ByteArray(7)))) {
            val activity = start(MainActivity::class.java, share(named(content))).get()
            wait("a verdict or a sentence") { activity.settled }
            activity.screen.open(1)
            wait("the picture") { activity.findViewById<View>(R.id.picture).visibility == View.VISIBLE }
            keep(activity, "$device-$name")
        }
    }

    @Test
    fun nothing_is_cut_off_on_the_other_screens() = everywhere { device ->
        val about = start(AboutActivity::class.java, Intent()).get()
        wait("the check") { about.text(R.id.check) != context.getString(R.string.check_running) }
        keep(about, "$device-about")
        AcceleratorTries(context).wanted = true
        val tried = start(AboutActivity::class.java, Intent()).get()
        wait("the check") { tried.text(R.id.check) != context.getString(R.string.check_running) }
        keep(tried, "$device-about-gpu-failed")
        AcceleratorTries(context).wanted = false
        keep(start(BenchActivity::class.java, Intent()).get(), "$device-bench")
        keep(start(HistoryActivity::class.java, Intent()).get(), "$device-history-off")
    }

    @Test
    fun nothing_is_cut_off_of_a_history() = everywhere { device ->
        val store = HistoryStore(context).apply {
            keeps = true
            keepsPictures = true
        }
        look(picture("gray.png"))
        val series = start(MainActivity::class.java, share(named(mapOf("a" to picture("gray.png"), "b" to picture("colour.png"))))).get()
        wait("the series") { series.settled && store.read().entries.size % 2 == 0 }
        val history = start(HistoryActivity::class.java, Intent()).get()
        wait("the entries") { history.text(R.id.status).isNotEmpty() }
        keep(history, "$device-history")
        store.clear()
    }

    @Test
    fun the_legend_stands_at_its_ends_of_the_scale_whichever_way_people_read() = listOf("phone", "rtl").forEach {
        on(it) { device ->
            val activity = look(picture("gray.png"))
            activity.findViewById<CheckBox>(R.id.show_map).isChecked = true
            step()
            // The scale is blue, against, on the left.
            val (against, towards) = listOf(R.id.legend_against, R.id.legend_towards).map { id -> activity.findViewById<View>(id) }
            assertTrue(device, against.right <= towards.left && towards.width > 0)
        }
    }

    @Test
    fun the_picture_fits_a_landscape_screen() = on("landscape") {
        val activity = look(picture("gray.png"))
        val picture = activity.findViewById<View>(R.id.picture)
        assertTrue("${picture.height}", picture.height < activity.scroll().height)
    }
}
