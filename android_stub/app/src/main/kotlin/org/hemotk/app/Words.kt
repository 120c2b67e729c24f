package org.hemotk.app

import android.content.res.Resources
import org.hemotk.core.HemotkException
import org.hemotk.core.HistoryEntry
import org.hemotk.core.Outcome
import org.hemotk.core.Tried
import org.hemotk.core.reason
import java.time.OffsetDateTime
import java.time.format.DateTimeFormatter
import java.time.format.DateTimeParseException
import java.time.format.FormatStyle
import java.util.Locale

/** The line under the verdict: what it is made from, what is under way, or what is wrong. */
fun Resources.status(shown: Shown): String = when (shown) {
    is Shown.Nothing -> getString(R.string.nothing_yet)
    is Shown.Working -> when (shown.total) {
        0 -> getString(R.string.working_folder)
        1 -> getString(R.string.working)
        else -> getString(R.string.working_series, shown.done + 1, shown.total)
    }
    is Shown.Failed -> sentence(shown.error)
    is Shown.Seen -> probability(shown)
    is Shown.Series -> when {
        shown.outcome != null -> score(shown)
        shown.error != null -> sentence(shown.error)
        else -> getString(R.string.series_failed, shown.failed, shown.items.size)
    }
}

private fun Resources.score(series: Shown.Series): String {
    val found = checkNotNull(series.outcome)
    val (labels, count) = series.card.labels to series.items.size
    return getString(R.string.series_score, found.k, count, labels[1], found.probability, found.rule.threshold)
}

/** Which model gave the verdict that is shown; empty where there is none. */
fun Resources.by(shown: Shown): String = when (shown) {
    is Shown.Seen -> getString(R.string.by_model, shown.card.name)
    is Shown.Series -> getString(R.string.by_model, shown.card.name)
    else -> ""
}

/** What was put right in the picture, left out of the folder, or assumed of the series; empty where nothing was. */
fun Resources.remark(shown: Shown): String = when {
    shown is Shown.Seen && shown.looked.corrected -> getString(R.string.corrected)
    shown is Shown.Series -> listOf(assumed(shown), leftOut(shown)).filter { it.isNotEmpty() }.joinToString("\n")
    else -> ""
}

private fun Resources.assumed(series: Shown.Series): String {
    val rule = series.outcome?.rule
    return if (rule?.assumed == true) getString(R.string.series_assumed, rule.k) else ""
}

private fun Resources.leftOut(series: Shown.Series): String =
    if (series.leftOut == 0) "" else getString(R.string.left_out, series.leftOut)

/** A line of the series' list. */
fun Resources.line(series: Shown.Series, place: Int): String {
    val item = series.items[place]
    val name = getString(R.string.slice, place + 1, item.slice.name)
    val looked = item.looked ?: return "$name\n${sentence(checkNotNull(item.error))}"
    val counts = if (place in series.outcome?.highest.orEmpty()) getString(R.string.slice_counts) else ""
    val figure = getString(R.string.slice_verdict, looked.finding.verdict, looked.finding.probability)
    val corrected = if (looked.corrected) getString(R.string.corrected) else ""
    return listOf(name, figure, counts, doubts(looked.finding.doubts), corrected).filter { it.isNotEmpty() }.joinToString("\n")
}

/** What stands over the opened picture of a series; empty where none is. */
fun Resources.opened(series: Shown.Series): String = series.selected?.let { line(series, it) }.orEmpty()

/** The model that is there; what runs it too, where that is not the processor. */
fun Resources.model(ready: Ready): String {
    val model = getString(R.string.model, ready.card.name, ready.card.preprocess.size)
    return if (ready.delegate == GPU) "$model\n${getString(R.string.on_gpu)}" else model
}

/** What was tried before the processor, and what came of it: one line for each, empty where nothing was thought of. */
fun Resources.tried(tried: List<Tried>): String = tried.joinToString("\n") {
    val outcome = when (it.outcome) {
        Outcome.NOT_ASKED -> getString(R.string.tried_not_asked)
        Outcome.PASSED -> getString(R.string.tried_passed)
        Outcome.NOT_PASSED -> getString(R.string.tried_not_passed) + "\n" + checkLines(checkNotNull(it.check))
        Outcome.FAILED -> getString(R.string.tried_failed, said(checkNotNull(it.error)))
        Outcome.ENDED_THE_APP -> getString(R.string.tried_ended)
    }
    getString(R.string.tried, it.delegate.uppercase(Locale.ROOT), outcome)
}

/** What a library says of itself is no sentence of the app's, and of more use here. */
private fun Resources.said(error: Throwable) = if (error is HemotkException) sentence(error) else reason(error)

private const val GPU = "gpu"

/** What may be shared: the verdict and what gave it; neither pictures nor their names. */
fun Resources.report(shown: Shown, ready: Ready): String {
    val found = when (shown) {
        is Shown.Seen -> listOf(shown.finding.verdict, probability(shown), doubts(shown.finding.doubts), remark(shown))
        is Shown.Series -> listOf(shown.outcome?.verdict.orEmpty(), status(shown.unnamed()), remark(shown)) + lines(shown.unnamed())
        else -> emptyList()
    }
    val model = listOf(
        model(ready),
        getString(R.string.model_checksum, ready.sha256),
        getString(R.string.notice),
    )
    return (found + model).filter { it.isNotEmpty() }.joinToString("\n")
}

private fun Resources.lines(series: Shown.Series) = series.items.indices.map { line(series, it).replace(Regex("\\s+"), " ") }

/** Why a verdict is not in the history; empty where nothing went wrong. */
fun Resources.notKept(error: Throwable?): String = when (error) {
    null -> ""
    is HemotkException -> getString(R.string.history_damaged)
    else -> getString(R.string.history_failed, error.message)
}

/** An entry of the history. */
fun Resources.entry(entry: HistoryEntry): String {
    val what = if (entry.slices == 1) getString(R.string.history_picture) else getString(R.string.history_series, entry.slices)
    val figures = getString(R.string.history_figures, entry.verdict, entry.probability, entry.threshold)
    return listOf(time(entry.at), what, figures, entry.bundle).joinToString("\n")
}

/** How many there are. */
fun Resources.entries(count: Int): String = getString(R.string.history_count, count)

private fun Resources.time(at: String): String = try {
    OffsetDateTime.parse(at).format(DateTimeFormatter.ofLocalizedDateTime(FormatStyle.MEDIUM).withLocale(configuration.locales[0]))
} catch (error: DateTimeParseException) {
    at
}
