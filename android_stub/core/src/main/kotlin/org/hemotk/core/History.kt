package org.hemotk.core

/**
 * One verdict as the history keeps it: no name of a picture, and nothing of its pixels.
 *
 * [at] is ISO 8601 with its offset, [slices] 1 for a single picture, [id] tells entries apart.
 */
data class HistoryEntry(
    val id: String,
    val at: String,
    val slices: Int,
    val verdict: String,
    val probability: Double,
    val threshold: Double,
    val bundle: String,
    val model: String,
)

/** The verdicts that were kept, the latest first; the oldest make room. */
class History(val entries: List<HistoryEntry>) {
    /** With one more, and which ones had to go. */
    fun plus(entry: HistoryEntry): Pair<History, List<HistoryEntry>> {
        val all = listOf(entry) + entries
        return History(all.take(MOST)) to all.drop(MOST)
    }

    /** As JSON. */
    fun write(): String = Json.write(mapOf("schema" to SCHEMA, "entries" to entries.map(::fields))) + "\n"

    companion object {
        const val MOST = 200
        private const val SCHEMA = "hemotk.history/1"
        private val ID = Regex("[0-9a-f]{1,32}")

        /** Read what [write] wrote; the name of a file in an error is [where]. */
        fun parse(text: String, where: String) = History(Fields.parse(where, text, SCHEMA).each("entries").map(::entry))

        private fun fields(entry: HistoryEntry) = mapOf(
            "id" to entry.id,
            "at" to entry.at,
            "slices" to entry.slices,
            "verdict" to entry.verdict,
            "probability" to entry.probability,
            "threshold" to entry.threshold,
            "bundle" to entry.bundle,
            "model" to entry.model,
        )

        private fun entry(fields: Fields): HistoryEntry {
            val id = fields.text("id")
            fields.check(ID.matches(id), "id") // it becomes the name of a file
            return HistoryEntry(
                id,
                fields.text("at"),
                fields.int("slices"),
                fields.text("verdict"),
                fields.number("probability"),
                fields.number("threshold"),
                fields.text("bundle"),
                fields.text("model"),
            )
        }
    }
}
