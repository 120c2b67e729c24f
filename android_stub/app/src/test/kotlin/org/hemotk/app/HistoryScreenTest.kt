package org.hemotk.app

import android.content.Intent
import android.graphics.BitmapFactory
import android.os.Bundle
import android.view.View
import android.view.ViewGroup
import android.widget.Button
import android.widget.CheckBox
import android.widget.ImageView
import org.hemotk.core.History
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import org.robolectric.Robolectric
import java.io.File

class HistoryScreenTest : BundleCase() {
    private val store = HistoryStore(context)
    private val folder = File(context.noBackupFilesDir, "history")

    private fun open(): HistoryActivity = start(HistoryActivity::class.java, Intent()).get().also { activity ->
        wait("what is there") { activity.text(R.id.status).isNotEmpty() }
    }

    private fun HistoryActivity.rows() = findViewById<ViewGroup>(R.id.entries)

    private fun files() = folder.walk().filter { it.isFile }.map { it.name }.toList()

    private fun kept(count: Int) = wait("$count kept") { step().let { store.read().entries.size == count } }

    @Test
    fun nothing_is_kept_unless_somebody_asks_for_it() {
        val activity = open()
        assertFalse(activity.findViewById<CheckBox>(R.id.keep).isChecked)
        assertFalse(activity.findViewById<CheckBox>(R.id.keep_pictures).let { it.isChecked || it.isEnabled })
        look(picture("gray.png"))
        repeat(10) { step() }
        assertEquals(emptyList<String>(), files())
        assertEquals(context.getString(R.string.history_empty), open().text(R.id.status))
    }

    @Test
    fun a_verdict_is_kept_without_picture_and_name_and_removed_by_the_button() {
        open().findViewById<CheckBox>(R.id.keep).performClick()
        val shown = look(named(mapOf("Annegret.png" to picture("gray.png")))[0])
        kept(1)
        assertEquals(listOf("history.json"), files())
        val text = File(folder, "history.json").readText()
        assertTrue(text, "Annegret" !in text && "content:" !in text)
        val entry = store.read().entries.single()
        val seen = (shown.screen.shown as Shown.Seen)
        assertEquals(listOf(1, seen.finding.verdict, seen.finding.probability, 0.5), listOf(entry.slices, entry.verdict, entry.probability, entry.threshold))
        assertEquals(shown.screen.ready!!.sha256, entry.model)
        val activity = open()
        assertEquals(context.resources.entries(1), activity.text(R.id.status))
        assertEquals(View.GONE, activity.rows().getChildAt(0).findViewById<View>(R.id.small).visibility)
        activity.findViewById<Button>(R.id.clear).performClick()
        wait("nothing") { activity.text(R.id.status) == context.getString(R.string.history_empty) }
        assertFalse(folder.exists())
        assertEquals(0, activity.rows().childCount)
    }

    @Test
    fun a_small_picture_is_kept_only_where_that_is_asked_for_too() {
        store.keepsPictures = true
        assertFalse(store.keepsPictures) // no pictures without verdicts
        val settings = open()
        settings.findViewById<CheckBox>(R.id.keep).performClick()
        settings.findViewById<CheckBox>(R.id.keep_pictures).performClick()
        val files = File(expected, "series").listFiles()!!.associate { it.name to it.readBytes() }
        val series = start(MainActivity::class.java, share(named(files))).get()
        wait("a verdict") { series.settled }
        kept(1)
        wait("its picture") { files().size == 2 }
        val entry = store.read().entries.single()
        assertEquals(files.size, entry.slices)
        val small = BitmapFactory.decodeFile(store.picture(entry)!!.path)
        assertTrue("${small.width}", small.width in 64..192)
        val row = open().rows().getChildAt(0)
        assertEquals(View.VISIBLE, row.findViewById<ImageView>(R.id.small).visibility)
        settings.findViewById<CheckBox>(R.id.keep).performClick() // off
        assertFalse(store.keeps || store.keepsPictures || settings.findViewById<CheckBox>(R.id.keep_pictures).isChecked)
        store.clear()
        assertEquals(emptyList<String>(), files())
        store.keeps = true
        store.keepsPictures = true
        store.keeps = false
        assertFalse(store.keepsPictures)
    }

    @Test
    fun opening_a_slice_and_coming_back_keep_nothing_twice() {
        store.keeps = true
        val controller = start(MainActivity::class.java, share(named(mapOf("a" to picture("gray.png"), "b" to picture("colour.png")))))
        wait("a verdict") { controller.get().settled }
        kept(1)
        controller.get().screen.open(0)
        wait("the picture") { (controller.get().screen.shown as Shown.Series).open != null }
        controller.recreate()
        val state = Bundle().also { controller.saveInstanceState(it) }
        val next = Robolectric.buildActivity(MainActivity::class.java, Intent()).setup(state)
        wait("the verdict again") { next.get().settled }
        repeat(10) { step() }
        assertEquals(1, store.read().entries.size)
        next.pause().stop().destroy()
    }

    @Test
    fun what_has_no_verdict_is_not_kept() {
        store.keeps = true
        look(ByteArray(9))
        val series = start(MainActivity::class.java, share(named(mapOf("a" to picture("gray.png"), "b" to ByteArray(9))))).get()
        wait("a sentence") { series.settled }
        repeat(10) { step() }
        assertEquals(emptyList<String>(), files())
    }

    @Test
    fun a_damaged_history_and_a_full_disk_cost_no_verdict_and_are_said() {
        store.keeps = true
        folder.mkdirs()
        File(folder, "history.json").writeText("{")
        val damaged = look(picture("gray.png"))
        wait("the remark") { damaged.text(R.id.remark) == context.getString(R.string.history_damaged) }
        assertTrue(damaged.text(R.id.verdict).isNotEmpty())
        val activity = open()
        assertEquals(context.getString(R.string.history_damaged), activity.text(R.id.status))
        activity.findViewById<Button>(R.id.clear).performClick()
        wait("nothing") { activity.text(R.id.status) == context.getString(R.string.history_empty) }
        folder.writeText("no folder") // nothing can be written there
        val full = look(picture("gray.png"))
        wait("the remark") { full.text(R.id.remark).startsWith(context.getString(R.string.history_failed, "")) }
        assertTrue(full.text(R.id.verdict).isNotEmpty())
        folder.delete()
        assertEquals(emptyList<String>(), files())
        look(picture("gray.png"))
        kept(1)
        assertEquals(1, History.parse(File(folder, "history.json").readText(), "a").entries.size)
    }
}
