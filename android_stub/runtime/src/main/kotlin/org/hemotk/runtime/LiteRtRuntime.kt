package org.hemotk.runtime

import org.hemotk.core.HemotkException
import org.hemotk.core.Network
import org.hemotk.core.Problem
import org.hemotk.core.Runtime
import org.hemotk.core.Tensor
import org.hemotk.core.Variant
import org.hemotk.core.closingOnFailure
import org.tensorflow.lite.Interpreter
import org.tensorflow.lite.TensorFlowLite
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.math.abs

/** LiteRT's Interpreter, which is also TensorFlow Lite's. */
class LiteRtRuntime(private val folder: ModelFolder) : Runtime {
    override val name = "org.tensorflow.lite.Interpreter"
    override val version: String get() = TensorFlowLite.runtimeVersion()
    override val delegate = "xnnpack"

    override fun open(variant: Variant, threads: Int): Network {
        val options = Interpreter.Options().apply {
            setNumThreads(threads)
            setUseXNNPACK(true)
        }
        val interpreter = Interpreter(folder.map(variant.file), options)
        return closingOnFailure(interpreter) { LiteRtNetwork(interpreter, variant) }
    }
}

/** An interpreter, and the [delegate] that it needs as long as it is there. */
internal class LiteRtNetwork(
    private val interpreter: Interpreter,
    private val variant: Variant,
    private val delegate: AutoCloseable? = null,
) : Network {
    private val signature = interpreter.signatureKeys.firstOrNull() ?: throw unusable()
    private val input: ByteBuffer
    private val outputs: Map<String, ByteBuffer>
    private val places: Map<Int, Any>

    init {
        val names = interpreter.getSignatureInputs(signature).toList() + interpreter.getSignatureOutputs(signature)
        if (!names.containsAll(variant.outputs.map { it.name } + variant.input.name)) throw unusable()
        interpreter.allocateTensors()
        input = direct(agreed(interpreter.getInputTensorFromSignature(variant.input.name, signature), variant.input))
        outputs = variant.outputs.associate { it.name to direct(agreed(tensor(it.name), it)) }
        places = outputs.entries.associate { (name, buffer) -> place(name) to buffer }
    }

    override fun feed(stored: ByteArray) {
        input.clear()
        input.put(stored)
    }

    override fun invoke() {
        input.rewind()
        outputs.values.forEach { it.rewind() }
        interpreter.runForMultipleInputsOutputs(arrayOf(input), places)
    }

    override fun read(name: String): ByteArray {
        val buffer = outputs.getValue(name)
        buffer.rewind()
        return ByteArray(buffer.capacity()).also { buffer.get(it) }
    }

    override fun close() {
        interpreter.close()
        delegate?.close()
    }

    private fun tensor(name: String) = interpreter.getOutputTensorFromSignature(name, signature)

    /** Where the interpreter keeps the output: its order is not that of the names. */
    private fun place(name: String): Int {
        val index = tensor(name).index()
        return (0 until interpreter.outputTensorCount).first { interpreter.getOutputTensor(it).index() == index }
    }

    /** The tensor, if it is what the bundle's card says. */
    private fun agreed(found: org.tensorflow.lite.Tensor, card: Tensor): org.tensorflow.lite.Tensor {
        val quantization = found.quantizationParams()
        val same = found.dataType().name.equals(card.dtype, ignoreCase = true) &&
            found.shape().toList() == card.shape &&
            abs(quantization.scale - card.scale) <= 1e-6 * card.scale && quantization.zeroPoint == card.zeroPoint
        if (!same) throw unusable()
        return found
    }

    private fun unusable() = HemotkException(Problem.UNUSABLE_MODEL, variant.file)

    private fun direct(tensor: org.tensorflow.lite.Tensor) =
        ByteBuffer.allocateDirect(tensor.numBytes()).order(ByteOrder.nativeOrder())
}
