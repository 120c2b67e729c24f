package org.hemotk.core

import kotlin.math.max
import kotlin.math.min

/**
 * The bytes that the network sees: [gray] padded with black to a square and resized to [size]×[size], row by row.
 *
 * Bit for bit what `hemotk.data.read.preprocess.to_pixels` gives: Pillow's 8-bit bilinear resize, horizontally first, then
 * vertically, rounded to a byte after each. The padding is never stored: it is black, and so adds nothing to a sum.
 */
fun toPixels(gray: Gray, size: Int): ByteArray {
    val side = max(gray.width, gray.height)
    if (side == size) return padded(gray, size)
    val weights = Weights(side, side.toFloat(), size)
    val fixed = weights.fixed()
    val across = Axis(weights, fixed, gray.width, before(gray.width, side))
    val down = Axis(weights, fixed, gray.height, before(gray.height, side))
    return vertical(horizontal(gray, across), size, down)
}

/** The whole picture at another size, by the same filter and without padding. */
internal fun resized(gray: Gray, width: Int, height: Int): Gray {
    val across = Weights(gray.width, gray.width.toFloat(), width)
    val down = Weights(gray.height, gray.height.toFloat(), height)
    val rows = horizontal(gray, Axis(across, across.fixed(), gray.width, 0))
    return Gray(width, height, vertical(rows, width, Axis(down, down.fixed(), gray.height, 0)))
}

/** The odd pixel of padding goes right and below. */
private fun before(length: Int, side: Int) = (side - length) / 2

private fun padded(gray: Gray, side: Int): ByteArray {
    val square = ByteArray(side * side)
    val left = before(gray.width, side)
    val top = before(gray.height, side)
    for (y in 0 until gray.height) {
        gray.bytes.copyInto(square, (top + y) * side + left, y * gray.width, (y + 1) * gray.width)
    }
    return square
}

/** A resize along one axis of the square: what it reads, and the length and place of the picture in it. */
private class Axis(val weights: Weights, val fixed: IntArray, val length: Int, val before: Int) {
    val size get() = weights.count

    /** The positions of the picture that output [i] reads begin here; those in the padding are left out. */
    fun from(i: Int) = max(weights.starts[i] - before, 0)

    fun until(i: Int) = min(weights.starts[i] + weights.sizes[i] - before, length)

    /** Where the weight of [from] lies. */
    fun weight(i: Int) = i * weights.stride + from(i) + before - weights.starts[i]
}

/** Every row of the picture at the network's width: height × size. */
private fun horizontal(gray: Gray, axis: Axis): ByteArray {
    val rows = ByteArray(gray.height * axis.size)
    for (i in 0 until axis.size) {
        val from = axis.from(i)
        val count = axis.until(i) - from
        val weight = axis.weight(i)
        for (y in 0 until gray.height) {
            val first = y * gray.width + from
            var sum = HALF
            for (k in 0 until count) sum += (gray.bytes[first + k].toInt() and 255) * axis.fixed[weight + k]
            rows[y * axis.size + i] = toByte(sum)
        }
    }
    return rows
}

private fun vertical(rows: ByteArray, width: Int, axis: Axis): ByteArray {
    val pixels = ByteArray(width * axis.size)
    for (i in 0 until axis.size) {
        val from = axis.from(i)
        val count = axis.until(i) - from
        val weight = axis.weight(i)
        for (x in 0 until width) {
            var sum = HALF
            for (k in 0 until count) sum += (rows[(from + k) * width + x].toInt() and 255) * axis.fixed[weight + k]
            pixels[i * width + x] = toByte(sum)
        }
    }
    return pixels
}

private const val HALF = 1 shl (Weights.PRECISION - 1)

/** Weights are never negative and sum to at most 1 and a rounding: only the upper end can be passed. */
private fun toByte(sum: Int) = min(sum shr Weights.PRECISION, 255).toByte()
