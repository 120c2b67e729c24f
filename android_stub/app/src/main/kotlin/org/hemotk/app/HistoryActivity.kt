package org.hemotk.app

import android.app.Activity
import android.graphics.BitmapFactory
import android.os.Bundle as State
import android.os.Handler
import android.os.Looper
import android.view.View
import android.widget.Button
import android.widget.CheckBox
import android.widget.ImageView
import android.widget.LinearLayout
import android.widget.TextView
import org.hemotk.core.HemotkException
import org.hemotk.core.HistoryEntry
import java.io.File
import java.io.IOException
import kotlin.concurrent.thread

/** What was kept of earlier verdicts, whether more is to be kept, and a button that removes all of it. */
class HistoryActivity : Activity() {
    private val main = Handler(Looper.getMainLooper())
    private val store by lazy { HistoryStore(applicationContext) }
    private val status by lazy { findViewById<TextView>(R.id.status) }
    private val entries by lazy { findViewById<LinearLayout>(R.id.entries) }

    override fun onCreate(state: State?) {
        super.onCreate(state)
        window.keepContentPrivate(resources)
        setContentView(R.layout.history)
        val keep = findViewById<CheckBox>(R.id.keep)
        val pictures = findViewById<CheckBox>(R.id.keep_pictures)
        keep.isChecked = store.keeps
        pictures.isChecked = store.keepsPictures
        pictures.isEnabled = store.keeps
        keep.setOnCheckedChangeListener { _, on ->
            store.keeps = on
            pictures.isEnabled = on
            if (!on) pictures.isChecked = false
        }
        pictures.setOnCheckedChangeListener { _, on -> store.keepsPictures = on }
        findViewById<Button>(R.id.clear).setOnClickListener { later { store.clear() } }
        later {}
    }

    /** Do it aside, then show what is there. */
    private fun later(step: () -> Unit) = thread(name = "history") {
        val (found, sentence) = try {
            step()
            val found = store.read().entries.map { it to store.picture(it) }
            found to if (found.isEmpty()) getString(R.string.history_empty) else resources.entries(found.size)
        } catch (error: HemotkException) {
            emptyList<Pair<HistoryEntry, File?>>() to getString(R.string.history_damaged)
        } catch (error: IOException) {
            emptyList<Pair<HistoryEntry, File?>>() to getString(R.string.history_failed, error.message)
        }
        main.post { if (!isDestroyed) show(found, sentence) }
    }.let {}

    private fun show(found: List<Pair<HistoryEntry, File?>>, sentence: String) {
        status.text = sentence
        entries.removeAllViews()
        for ((entry, picture) in found) {
            val row = layoutInflater.inflate(R.layout.history_entry, entries, false)
            row.findViewById<TextView>(R.id.entry).text = resources.entry(entry)
            val image = row.findViewById<ImageView>(R.id.small)
            image.visibility = if (picture == null) View.GONE else View.VISIBLE
            picture?.let { image.setImageBitmap(BitmapFactory.decodeFile(it.path)) }
            entries.addView(row)
        }
    }
}
