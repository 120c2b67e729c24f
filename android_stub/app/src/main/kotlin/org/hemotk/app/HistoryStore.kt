package org.hemotk.app

import android.content.Context
import android.graphics.Bitmap
import org.hemotk.core.Gray
import org.hemotk.core.History
import org.hemotk.core.HistoryEntry
import org.hemotk.core.toPixels
import java.io.File
import java.io.IOException
import java.time.OffsetDateTime
import java.time.format.DateTimeFormatter
import java.util.UUID

/**
 * The verdicts that are kept on this device, outside of every backup: none unless somebody asked for it, and no picture
 * unless somebody asked for that, too.
 */
class HistoryStore(context: Context) {
    private val settings = context.getSharedPreferences("history", Context.MODE_PRIVATE)
    private val folder = File(context.noBackupFilesDir, "history")
    private val file = File(folder, "history.json")

    /** Whether verdicts are kept from now on. Without them there are no pictures. */
    var keeps: Boolean
        get() = settings.getBoolean(KEEPS, false)
        set(value) = settings.edit().putBoolean(KEEPS, value).putBoolean(PICTURES, keepsPictures && value).apply()

    /** Whether a small picture is kept with each verdict. */
    var keepsPictures: Boolean
        get() = settings.getBoolean(PICTURES, false)
        set(value) = settings.edit().putBoolean(PICTURES, value && keeps).apply()

    /** What was kept. Throws `HemotkException` where the file is damaged. */
    fun read(): History = synchronized(LOCK) {
        if (file.exists()) History.parse(file.readText(), file.name) else History(emptyList())
    }

    /** The small picture of an entry, or null. */
    fun picture(entry: HistoryEntry): File? = File(folder, "${entry.id}.png").takeIf { it.exists() }

    /** Keep a verdict, where that is asked for. Throws [IOException] where the disk is full, and as [read] does. */
    fun add(shown: Shown, ready: Ready) = synchronized(LOCK) {
        val (entry, square) = if (keeps) entry(shown, ready) ?: return else return
        if (!folder.isDirectory && !folder.mkdirs()) throw IOException(folder.path)
        val (history, gone) = read().plus(entry)
        whole(file, history.write())
        gone.forEach { picture(it)?.delete() }
        if (keepsPictures) draw(square, File(folder, "${entry.id}.png"))
    }

    /** Remove everything that was kept. Throws [IOException] where something stays. */
    fun clear() = synchronized(LOCK) {
        if (!folder.deleteRecursively()) throw IOException(folder.path)
    }

    private fun entry(shown: Shown, ready: Ready): Pair<HistoryEntry, Gray>? = when (shown) {
        is Shown.Seen -> {
            val finding = shown.finding
            entry(1, finding.verdict, finding.probability, shown.card.decision.threshold, ready) to shown.looked.square
        }
        is Shown.Series -> shown.outcome?.let { found ->
            val highest = shown.items.mapNotNull { it.looked }.maxByOrNull { it.finding.probability }
            val entry = entry(shown.items.size, found.verdict, found.probability, found.rule.threshold, ready)
            highest?.let { entry to it.square }
        }
        else -> null
    }

    private fun entry(slices: Int, verdict: String, probability: Double, threshold: Double, ready: Ready): HistoryEntry {
        val at = OffsetDateTime.now().format(DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ssxxx"))
        val id = UUID.randomUUID().toString().replace("-", "")
        return HistoryEntry(id, at, slices, verdict, probability, threshold, ready.card.name, ready.sha256)
    }

    private fun draw(square: Gray, file: File) {
        val side = minOf(square.width, SMALL)
        val bitmap = bitmap(Gray(side, side, toPixels(square, side)))
        file.outputStream().use { bitmap.compress(Bitmap.CompressFormat.PNG, 100, it) }
    }

    private companion object {
        const val KEEPS = "keeps"
        const val PICTURES = "pictures"
        const val SMALL = 192
        val LOCK = Any()
    }
}
