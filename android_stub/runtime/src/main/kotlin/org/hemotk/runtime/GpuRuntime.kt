package org.hemotk.runtime

import org.hemotk.core.HemotkException
import org.hemotk.core.Network
import org.hemotk.core.Problem
import org.hemotk.core.Runtime
import org.hemotk.core.Variant
import org.hemotk.core.closingOnFailure
import org.tensorflow.lite.Interpreter
import org.tensorflow.lite.TensorFlowLite
import org.tensorflow.lite.gpu.CompatibilityList
import org.tensorflow.lite.gpu.GpuDelegate
import org.tensorflow.lite.gpu.GpuDelegateFactory

/**
 * LiteRT's Interpreter with its GPU delegate, which computes in floats what the model has in 8 bits.
 *
 * It may be opened and run on one thread only. Whether its results are good enough is for the caller to find out.
 */
class GpuRuntime(private val folder: ModelFolder) : Runtime {
    override val name = "org.tensorflow.lite.Interpreter"
    override val version: String get() = TensorFlowLite.runtimeVersion()
    override val delegate = "gpu"

    override fun open(variant: Variant, threads: Int): Network {
        CompatibilityList().use { if (!it.isDelegateSupportedOnThisDevice) throw HemotkException(Problem.NO_ACCELERATOR, delegate) }
        // 32 bits: floats of 16 bits would be far from what is recorded.
        val gpu = GpuDelegate(GpuDelegateFactory.Options().setPrecisionLossAllowed(false).setQuantizedModelsAllowed(true))
        return closingOnFailure(gpu) {
            val interpreter = Interpreter(folder.map(variant.file), Interpreter.Options().setNumThreads(threads).addDelegate(gpu))
            closingOnFailure(interpreter) { LiteRtNetwork(interpreter, variant, gpu) }
        }
    }
}
