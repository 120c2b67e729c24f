package org.hemotk.litert

import com.sun.jna.Library
import com.sun.jna.Memory
import com.sun.jna.Native
import com.sun.jna.NativeLong
import com.sun.jna.Pointer
import com.sun.jna.ptr.PointerByReference
import org.hemotk.core.Network
import org.hemotk.core.Runtime
import org.hemotk.core.Variant
import java.io.File

/** The part of LiteRT's C API, version 2.3, that running a model takes. Every call answers 0 where it went well. */
@Suppress("FunctionName")
internal interface LiteRtLibrary : Library {
    fun LiteRtCreateEnvironment(options: Int, values: Pointer?, environment: PointerByReference): Int
    fun LiteRtDestroyEnvironment(environment: Pointer)
    fun LiteRtCreateModelFromFile(environment: Pointer, path: String, model: PointerByReference): Int
    fun LiteRtDestroyModel(model: Pointer)
    fun LiteRtCreateOptions(options: PointerByReference): Int
    fun LiteRtSetOptionsHardwareAccelerators(options: Pointer, accelerators: Int): Int
    fun LiteRtDestroyOptions(options: Pointer)
    fun LiteRtCreateCompiledModel(environment: Pointer, model: Pointer, options: Pointer, compiled: PointerByReference): Int
    fun LiteRtDestroyCompiledModel(compiled: Pointer)
    fun LiteRtGetModelSignature(model: Pointer, index: NativeLong, signature: PointerByReference): Int
    fun LiteRtGetNumSignatureOutputs(signature: Pointer, count: Memory): Int
    fun LiteRtGetSignatureOutputName(signature: Pointer, index: NativeLong, name: PointerByReference): Int
    fun LiteRtGetSignatureInputTensorByIndex(signature: Pointer, index: NativeLong, tensor: PointerByReference): Int
    fun LiteRtGetSignatureOutputTensorByIndex(signature: Pointer, index: NativeLong, tensor: PointerByReference): Int
    fun LiteRtGetRankedTensorType(tensor: Pointer, type: Memory): Int
    fun LiteRtGetCompiledModelInputBufferRequirements(
        compiled: Pointer, signature: NativeLong, index: NativeLong, requirements: PointerByReference,
    ): Int
    fun LiteRtGetCompiledModelOutputBufferRequirements(
        compiled: Pointer, signature: NativeLong, index: NativeLong, requirements: PointerByReference,
    ): Int
    fun LiteRtCreateManagedTensorBufferFromRequirements(
        environment: Pointer, type: Memory, requirements: Pointer, buffer: PointerByReference,
    ): Int
    fun LiteRtDestroyTensorBuffer(buffer: Pointer)
    fun LiteRtLockTensorBuffer(buffer: Pointer, address: PointerByReference, mode: Int): Int
    fun LiteRtUnlockTensorBuffer(buffer: Pointer): Int
    fun LiteRtRunCompiledModel(
        compiled: Pointer, signature: NativeLong, inputs: NativeLong, input: Array<Pointer>, outputs: NativeLong,
        output: Array<Pointer>,
    ): Int
}

/** The runtime of the ai-edge-litert wheel, whose library is [library]; models lie in [folder]. */
class LiteRt(library: File, private val folder: File) : Runtime, AutoCloseable {
    override val name = "libLiteRt.so of ai-edge-litert"
    override val version = System.getProperty("hemotk.litert.version", "unknown")
    override val delegate = "xnnpack"
    private val api = Native.load(library.path, LiteRtLibrary::class.java)
    private val environment = made { api.LiteRtCreateEnvironment(0, null, it) }

    /** [threads] is left to the runtime: the bytes do not depend on it. */
    override fun open(variant: Variant, threads: Int): Network =
        LiteRtNetwork(api, environment, File(folder, variant.file), variant)

    override fun close() = api.LiteRtDestroyEnvironment(environment)
}

private class LiteRtNetwork(
    private val api: LiteRtLibrary,
    private val environment: Pointer,
    file: File,
    private val variant: Variant,
) : Network {
    private val model = made { api.LiteRtCreateModelFromFile(environment, file.path, it) }
    private val options = made { api.LiteRtCreateOptions(it) }.also { done(api.LiteRtSetOptionsHardwareAccelerators(it, CPU)) }
    private val compiled = made { api.LiteRtCreateCompiledModel(environment, model, options, it) }
    private val signature = made { api.LiteRtGetModelSignature(model, FIRST, it) }
    private val outputNames = names()
    private val input = buffer(
        made { api.LiteRtGetSignatureInputTensorByIndex(signature, FIRST, it) },
        made { api.LiteRtGetCompiledModelInputBufferRequirements(compiled, FIRST, FIRST, it) },
    )
    private val outputs = Array(outputNames.size) { index ->
        val place = NativeLong(index.toLong())
        buffer(
            made { api.LiteRtGetSignatureOutputTensorByIndex(signature, place, it) },
            made { api.LiteRtGetCompiledModelOutputBufferRequirements(compiled, FIRST, place, it) },
        )
    }

    override fun feed(stored: ByteArray) = locked(input, WRITE) { it.write(0, stored, 0, stored.size) }

    override fun invoke() {
        val count = NativeLong(outputs.size.toLong())
        done(api.LiteRtRunCompiledModel(compiled, FIRST, NativeLong(1), arrayOf(input), count, outputs))
    }

    override fun read(name: String): ByteArray {
        val tensor = checkNotNull(variant.output(name))
        val bytes = if (tensor.dtype == "uint8") 1 else 4
        return locked(outputs[outputNames.indexOf(name)], READ) { it.getByteArray(0, tensor.shape.fold(bytes, Int::times)) }
    }

    override fun close() {
        (outputs + input).forEach(api::LiteRtDestroyTensorBuffer)
        api.LiteRtDestroyCompiledModel(compiled)
        api.LiteRtDestroyOptions(options)
        api.LiteRtDestroyModel(model)
    }

    private fun names(): List<String> {
        val count = Memory(8).apply { clear() }
        done(api.LiteRtGetNumSignatureOutputs(signature, count))
        return List(count.getLong(0).toInt()) { index ->
            made { api.LiteRtGetSignatureOutputName(signature, NativeLong(index.toLong()), it) }.getString(0)
        }
    }

    private fun buffer(tensor: Pointer, requirements: Pointer): Pointer {
        val type = Memory(TYPE_BYTES).apply { clear() }
        done(api.LiteRtGetRankedTensorType(tensor, type))
        return made { api.LiteRtCreateManagedTensorBufferFromRequirements(environment, type, requirements, it) }
    }

    private inline fun <T> locked(buffer: Pointer, mode: Int, use: (Pointer) -> T): T {
        val address = made { api.LiteRtLockTensorBuffer(buffer, it, mode) }
        return try {
            use(address)
        } finally {
            done(api.LiteRtUnlockTensorBuffer(buffer))
        }
    }

    private companion object {
        val FIRST = NativeLong(0)
        const val CPU = 1
        const val READ = 0
        const val WRITE = 1

        // Element type, rank, eight sizes and eight strides of 4 bytes each are 72; the rest is for a later version.
        const val TYPE_BYTES = 256L
    }
}

private inline fun made(call: (PointerByReference) -> Int): Pointer {
    val found = PointerByReference()
    done(call(found))
    return checkNotNull(found.value) { "LiteRT gave nothing" }
}

private fun done(status: Int) = check(status == 0) { "LiteRT answered $status" }
