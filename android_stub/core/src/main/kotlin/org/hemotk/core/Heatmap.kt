package org.hemotk.core

import kotlin.math.abs
import kotlin.math.ln
import kotlin.math.max
import kotlin.math.min
import kotlin.math.pow
import kotlin.math.round

// The contribution, in units of the logit, that has the full colour; the same for every picture, so maps compare.
private const val FULL = 10f
private const val OPACITY = 0.6f

/**
 * The picture with the map over it as ARGB, bit for bit what `hemotk predict --heatmap` draws.
 *
 * Red is towards class 1, blue against it; [size] is the side of the picture that the network saw.
 */
fun heatmap(gray: Gray, cam: Cam, size: Int): IntArray {
    val map = onPicture(gray.width, gray.height, cam, size)
    return IntArray(map.size) { index ->
        val value = min(max(map[index] / FULL, -1f), 1f)
        val share = OPACITY * abs(value)
        val rest = (1f - share) * (gray.bytes[index].toInt() and 255)
        val towards = mixed(rest, share, if (value > 0) 255f else 0f)
        val against = mixed(rest, share, if (value > 0) 0f else 255f)
        (255 shl 24) or (towards shl 16) or (mixed(rest, share, 0f) shl 8) or against
    }
}

private fun mixed(rest: Float, share: Float, colour: Float) = round(rest + share * colour).toInt()

/** The map at every pixel of the picture: Pillow's bilinear resize in floats to the square, without the padding. */
internal fun onPicture(width: Int, height: Int, cam: Cam, size: Int): FloatArray {
    val side = max(width, height)
    // One more row and column, as the last cells may not reach the edge of the picture.
    val across = Weights(cam.width + 1, cell(size, cam.width), side)
    val down = Weights(cam.height + 1, cell(size, cam.height), side)
    val rows = FloatArray((cam.height + 1) * width)
    for (y in 0..cam.height) {
        for (x in 0 until width) {
            rows[y * width + x] = sum(across, x + (side - width) / 2) { at ->
                cam.values[min(y, cam.height - 1) * cam.width + min(at, cam.width - 1)]
            }
        }
    }
    return FloatArray(width * height) { index ->
        sum(down, index / width + (side - height) / 2) { at -> rows[at * width + index % width] }
    }
}

/** How many cells wide the picture is: each stands for a power of two of the network's pixels. */
private fun cell(size: Int, count: Int) = (size / 2.0.pow(round(ln(size.toDouble() / count) / ln(2.0)))).toFloat()

private inline fun sum(weights: Weights, i: Int, value: (Int) -> Float): Float {
    var total = 0.0
    for (k in 0 until weights.sizes[i]) total += value(weights.starts[i] + k) * weights.values[i * weights.stride + k]
    return total.toFloat()
}
