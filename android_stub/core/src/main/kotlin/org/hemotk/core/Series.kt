package org.hemotk.core

import java.math.BigInteger
import kotlin.math.abs

/** The mean of a series' [k] highest probabilities is class 1 from [threshold] on; [assumed] where none was chosen in training. */
class SeriesRule(val k: Int, val threshold: Double, val assumed: Boolean)

/** A picture of a series: what it is called, what tells it from others, and where it lies if the file says so. */
class Slice(val name: String, val key: String, val header: SliceHeader?)

/** One verdict for a series: [highest] are the places, in its order, of the slices that it is made from. */
class SeriesFinding(val rule: SeriesRule, val k: Int, val probability: Double, val label: Int, val verdict: String, val highest: Set<Int>)

/** Where a bundle says no rule: the mean of the three highest, held against the threshold for slices. */
private const val TOP_K = 3

/** The rule of this bundle for series. */
fun Card.seriesRule() = study ?: SeriesRule(TOP_K, decision.threshold, assumed = true)

/** The verdict for slices of these [probabilities], at least one, in the order of the series. */
fun Card.seriesFinding(probabilities: List<Double>): SeriesFinding {
    val rule = seriesRule()
    val order = probabilities.indices.sortedWith { a, b -> probabilities[a].compareTo(probabilities[b]) }
    val highest = order.takeLast(rule.k)
    val probability = sum(highest.map { probabilities[it] }) / highest.size
    val label = if (probability >= rule.threshold) 1 else 0
    return SeriesFinding(rule, highest.size, probability, label, labels[label], highest.toSet())
}

/** The sum in the order of numpy's, which adds eight strands in blocks of up to 128. */
internal fun sum(values: List<Double>): Double {
    if (values.size < 8) return values.fold(0.0) { total, value -> total + value }
    if (values.size > 128) {
        val half = values.size / 2 / 8 * 8
        return sum(values.subList(0, half)) + sum(values.subList(half, values.size))
    }
    val strands = DoubleArray(8) { values[it] }
    val whole = values.size / 8 * 8
    for (i in 8 until whole) strands[i % 8] += values[i]
    val pairs = List(4) { strands[2 * it] + strands[2 * it + 1] }
    return (whole until values.size).fold((pairs[0] + pairs[1]) + (pairs[2] + pairs[3])) { total, at -> total + values[at] }
}

/**
 * The places of [slices] from one end of the series to the other: by position, else by number, else by name.
 *
 * Throws [HemotkException] where they are not of one series, or one is there twice.
 */
fun inOrder(slices: List<Slice>): List<Int> {
    val named = slices.indices.sortedWith { a, b -> natural(slices[a].name, slices[b].name) }
    val headers = named.mapNotNull { slices[it].header }
    if (headers.isEmpty()) {
        checkOnce(named.map { slices[it].name to slices[it].key })
        return named
    }
    if (headers.size < slices.size) throw HemotkException(Problem.SERIES_MIXED, slices.first { it.header == null }.name)
    for (field in listOf(SliceHeader::patient, SliceHeader::study, SliceHeader::series)) {
        if (headers.map(field).distinct().size > 1) throw HemotkException(Problem.SERIES_SEVERAL, slices[0].name)
    }
    checkOnce(named.map { slices[it].name to slices[it].header?.instance.orEmpty().ifEmpty { slices[it].key } })
    val places = places(headers) ?: return named
    return named.indices.sortedWith { a, b -> places[a].compareTo(places[b]) }.map { named[it] }
}

/** One that counts twice weighs twice in the verdict. */
private fun checkOnce(keys: List<Pair<String, String>>) {
    val seen = HashSet<String>()
    for ((name, key) in keys) if (!seen.add(key)) throw HemotkException(Problem.SERIES_TWICE, name)
}

private fun places(headers: List<SliceHeader>): List<Double>? =
    listOf(heights(headers), headers.map { it.number?.toDouble() }).firstNotNullOfOrNull { values ->
        values?.filterNotNull()?.takeIf { it.size == headers.size && it.distinct().size == headers.size }
    }

private const val SAME_ORIENTATION = 1e-3

/** The positions along the normal of the common plane, in mm. */
private fun heights(headers: List<SliceHeader>): List<Double>? {
    val a = headers[0].orientation ?: return null
    val one = headers.all { slice -> slice.orientation?.indices?.all { abs(slice.orientation[it] - a[it]) <= SAME_ORIENTATION } ?: false }
    if (!one || headers.any { it.position == null }) return null
    val normal = listOf(a[1] * a[5] - a[2] * a[4], a[2] * a[3] - a[0] * a[5], a[0] * a[4] - a[1] * a[3])
    return headers.map { slice ->
        val (x, y, z) = checkNotNull(slice.position)
        Math.rint((x * normal[0] + y * normal[1] + z * normal[2]) * 1000) / 1000 + 0.0 // no −0
    }
}

/** 's10' after 's9': digits by their value, anything else as text. */
internal fun natural(a: String, b: String): Int {
    val (left, right) = listOf(a, b).map(::parts)
    for (i in 0 until minOf(left.size, right.size)) {
        val by = if (i % 2 == 1) BigInteger(left[i]).compareTo(BigInteger(right[i])) else 0
        if (by != 0) return by
        if (left[i] != right[i]) return left[i].compareTo(right[i])
    }
    return left.size - right.size
}

/** Text and digits by turns; the first is text, which may be empty. */
private fun parts(name: String): List<String> {
    val found = Regex("[0-9]+|[^0-9]+").findAll(name).map { it.value }.toList()
    return if (found.isNotEmpty() && found[0][0] in '0'..'9') listOf("") + found else found
}
