package org.hemotk.core

import java.math.BigDecimal
import java.math.BigInteger
import kotlin.math.floor

private const val FEW_LEVELS = 16
private const val RARE = 0.02 // share of the pixels that metal does not reach

/** The window on Hounsfield units that DICOM is seen through; [level] is its middle. */
data class Window(val level: Double, val width: Double)

/** The upper byte of 16-bit [values]; refused where it would keep almost nothing, as the Python side refuses it. */
internal fun upperByte(values: ShortArray, where: String): ByteArray {
    val counts = IntArray(1 shl 16)
    for (value in values) counts[value.toInt() and 0xFFFF]++
    val low = quantile(counts, values.size, RARE)
    val high = quantile(counts, values.size, 1 - RARE)
    // The second time without metal and padding, which may hold many levels.
    for (range in listOf(0.0..65535.0, low..high)) {
        val levels = counts.indices.filter { counts[it] > 0 && it.toDouble() in range }
        val kept = levels.map { it shr 8 }.distinct().size
        if (kept <= FEW_LEVELS && levels.size > 2 * kept) throw HemotkException(Problem.FEW_LEVELS, where)
    }
    return ByteArray(values.size) { (values[it].toInt() and 0xFFFF shr 8).toByte() }
}

/** 16-bit [values] that are Hounsfield units plus [offset], as gray through [window]. */
internal fun throughWindow(values: ShortArray, window: Window, offset: Int): ByteArray {
    val edges = thresholds(BigDecimal.ONE, BigDecimal(-offset), window)
    val table = ByteArray(1 shl 16) { value -> reached(edges, value.toLong()).toByte() }
    return ByteArray(values.size) { table[values[it].toInt() and 0xFFFF] }
}

/** How many of the rising [edges] a stored [value] reaches: its gray. */
internal fun reached(edges: LongArray, value: Long): Int = edges.count { value >= it }

/**
 * The least stored value that becomes 1, 2, … 255, where Hounsfield units are [slope] · value + [intercept].
 *
 * Gray is floor(255 · ((HU − level) / width + 1/2) + 1/2) within 0 and 255, without any rounding in between: the window
 * function LINEAR_EXACT of DICOM.
 */
internal fun thresholds(slope: BigDecimal, intercept: BigDecimal, window: Window): LongArray {
    val level = BigDecimal(window.level)
    val width = BigDecimal(window.width)
    val limit = 1L shl 40 // beyond any stored value
    return LongArray(255) { index ->
        // (low + width / 510 · (2 · gray − 1) − intercept) / slope, with both sides times 510.
        val gray = index + 1L
        val low = level - width.divide(BigDecimal(2))
        val above = (low - intercept) * BigDecimal(510) + width * BigDecimal(2 * gray - 1)
        ceiling(above, slope * BigDecimal(510)).min(BigInteger.valueOf(limit)).max(BigInteger.valueOf(-limit)).toLong()
    }
}

private fun ceiling(above: BigDecimal, below: BigDecimal): BigInteger {
    val scale = maxOf(above.scale(), below.scale(), 0)
    val (quotient, rest) = above.setScale(scale).unscaledValue().divideAndRemainder(below.setScale(scale).unscaledValue())
    val rounded = rest.signum() != 0 && rest.signum() == below.signum()
    return if (rounded) quotient + BigInteger.ONE else quotient
}

/** The value that [share] of the counted values lie below, interpolated linearly, as numpy's quantile does. */
private fun quantile(counts: IntArray, total: Int, share: Double): Double {
    val at = share * (total - 1)
    val low = nth(counts, floor(at).toInt())
    val high = nth(counts, minOf(floor(at).toInt() + 1, total - 1))
    return interpolated(low.toDouble(), high.toDouble(), at - floor(at))
}

private fun nth(counts: IntArray, place: Int): Int {
    var seen = 0
    for (value in counts.indices) {
        seen += counts[value]
        if (seen > place) return value
    }
    return counts.size - 1
}

/** numpy's order of operations, so that the last bit agrees. */
internal fun interpolated(low: Double, high: Double, share: Double): Double =
    if (share >= 0.5) high - (high - low) * (1 - share) else low + (high - low) * share
