package org.hemotk.core

import java.nio.ByteBuffer
import java.nio.ByteOrder

/** A loaded model, ready to be run: the app's is LiteRT's Interpreter. */
interface Network : AutoCloseable {
    /** Hand over the input as the tensor stores it. */
    fun feed(stored: ByteArray)

    /** Run the network on what was fed; this alone is timed. */
    fun invoke()

    /** The bytes of the output [name] as the tensor stores them, little-endian. */
    fun read(name: String): ByteArray
}

/** Opens a variant whose checksum was found right. */
interface Runtime {
    val name: String
    val version: String
    val delegate: String

    fun open(variant: Variant, threads: Int): Network
}

/** What a model says of one picture: the logit before temperature scaling, and the map where there is one. */
class Answer(val logit: Double, val cam: Cam?)

/** A class-activation map: contributions to the logit, row by row. */
class Cam(val width: Int, val height: Int, val values: FloatArray)

/** A model of a bundle that takes bytes, and how its stored numbers are meant. */
class Classifier(private val network: Network, private val variant: Variant, preprocess: Preprocess) {
    private val input = Input(variant, preprocess)

    /** Score the [pixels] that `toPixels` gave. Throws [HemotkException] where the model gives no number. */
    fun classify(pixels: ByteArray): Answer {
        network.feed(input.stored(pixels))
        network.invoke()
        val logit = real("logit").single()
        if (!logit.isFinite()) throw HemotkException(Problem.BROKEN_MODEL, variant.file)
        return Answer(logit, variant.output("cam")?.let(::cam))
    }

    /** What the output tensors hold for these [pixels], of the image called [id]. */
    fun stored(id: String, pixels: ByteArray): BenchedImage {
        network.feed(input.stored(pixels))
        network.invoke()
        val (logit, probability) = listOf("logit", "probability").map { hexadecimal(network.read(it)) }
        return BenchedImage(id, sha256(pixels), logit, probability)
    }

    private fun real(name: String): DoubleArray {
        val tensor = variant.output(name) ?: throw HemotkException(Problem.UNUSABLE_MODEL, variant.file)
        return tensor.real(network.read(name))
    }

    private fun cam(tensor: Tensor): Cam {
        val values = real("cam")
        return Cam(tensor.shape[2], tensor.shape[1], FloatArray(tensor.shape[1] * tensor.shape[2]) { values[it].toFloat() })
    }
}

/** The real values of the bytes that the tensor stores. */
fun Tensor.real(stored: ByteArray): DoubleArray {
    if (dtype == "uint8") return DoubleArray(stored.size) { scale * (byte(stored, it) - zeroPoint) }
    val floats = ByteBuffer.wrap(stored).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer()
    return DoubleArray(floats.limit()) { floats[it].toDouble() }
}
