package org.hemotk.core

import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.math.abs

/** How a variant's input tensor stores each of the 256 pixel bytes; a uint8 model's stores the byte itself. */
internal class Input(private val variant: Variant, private val preprocess: Preprocess) {
    private val table: Array<ByteArray> = when (variant.input.dtype) {
        "uint8" -> Array(256) { byteArrayOf(it.toByte()) }.also { checkBytes() }
        "float32" -> Array(256) { float(preprocess.scale * (it - preprocess.zeroPoint)) }
        else -> throw HemotkException(Problem.UNUSABLE_MODEL, variant.file)
    }

    init {
        val size = preprocess.size
        if (variant.input.shape != listOf(1, size, size, 1)) throw HemotkException(Problem.UNUSABLE_MODEL, variant.file)
    }

    /** The tensor's bytes for these pixels. */
    fun stored(pixels: ByteArray): ByteArray {
        val width = table[0].size
        if (width == 1) return pixels
        val found = ByteArray(pixels.size * width)
        for (i in pixels.indices) table[pixels[i].toInt() and 255].copyInto(found, i * width)
        return found
    }

    private fun checkBytes() {
        val input = variant.input
        if (input.zeroPoint != preprocess.zeroPoint || abs(input.scale / preprocess.scale - 1) > 1e-6) {
            throw HemotkException(Problem.UNUSABLE_MODEL, variant.file)
        }
    }

    private fun float(value: Double) =
        ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putFloat(value.toFloat()).array()
}
