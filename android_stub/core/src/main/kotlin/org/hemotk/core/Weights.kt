package org.hemotk.core

import kotlin.math.abs
import kotlin.math.ceil
import kotlin.math.max
import kotlin.math.min

/**
 * Which input positions an output position is made of, and how much of each: Pillow's antialiased bilinear filter.
 *
 * The input range from 0 to [end] is resampled to [count] positions. Position i reads `starts[i]` and the `sizes[i] - 1`
 * after it; their weights begin at `i * stride` and sum to 1. The order of operations is that of Pillow's
 * `precompute_coeffs`, so that the weights are the same to the last bit.
 */
internal class Weights(available: Int, end: Float, val count: Int) {
    val starts = IntArray(count)
    val sizes = IntArray(count)
    val stride: Int
    val values: DoubleArray

    init {
        val scale = end.toDouble() / count
        val support = max(scale, 1.0)
        stride = ceil(support).toInt() * 2 + 1
        values = DoubleArray(count * stride)
        for (i in 0 until count) {
            val center = (i + 0.5) * scale
            starts[i] = max((center - support + 0.5).toInt(), 0)
            sizes[i] = min((center + support + 0.5).toInt(), available) - starts[i]
            fill(i, center, 1.0 / support)
        }
    }

    private fun fill(i: Int, center: Double, perPixel: Double) {
        var total = 0.0
        for (x in 0 until sizes[i]) {
            val weight = triangle((x + starts[i] - center + 0.5) * perPixel)
            values[i * stride + x] = weight
            total += weight
        }
        if (total != 0.0) for (x in 0 until sizes[i]) values[i * stride + x] /= total
    }

    /** The weights as integers with [PRECISION] bits behind the point. */
    fun fixed() = IntArray(values.size) { (0.5 + values[it] * (1 shl PRECISION)).toInt() }

    private fun triangle(x: Double) = if (abs(x) < 1.0) 1.0 - abs(x) else 0.0

    companion object {
        /** Pillow's `32 - 8 - 2`. */
        const val PRECISION = 22
    }
}
