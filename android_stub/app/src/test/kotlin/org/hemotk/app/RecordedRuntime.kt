package org.hemotk.app

import android.content.Context
import org.hemotk.core.Json
import org.hemotk.core.Network
import org.hemotk.core.Runtime
import org.hemotk.core.Tensor
import org.hemotk.core.Variant
import org.hemotk.runtime.AssetFolder
import java.util.concurrent.atomic.AtomicInteger
import kotlin.math.abs

/** What Python says of a golden picture, and what the model's output tensors hold then; [pixels] are the network's. */
class RecordedPicture(
    val file: String,
    val content: ByteArray,
    val pixels: ByteArray,
    val outputs: Map<String, ByteArray>,
    val probability: Double,
    val verdict: String,
    val hasDoubts: Boolean,
)

/** What was recorded of one of the app's models when `hemotk android` wrote this project; [outputs] of pixels. */
class RecordedModel(
    val place: ModelPlace,
    val sha256: String,
    val pictures: List<RecordedPicture>,
    val series: Map<*, *>,
    val outputs: List<Pair<ByteArray, Map<String, ByteArray>>>,
)

/** The records of all models, in the order of the app's list. */
fun recordedModels(context: Context): List<RecordedModel> {
    val text = checkNotNull(RecordedModel::class.java.getResource("/recorded.json")) { "app/src/test/resources/recorded.json is missing" }.readText()
    val said = (Json.parse(text) as Map<*, *>)["models"] as List<*>
    val places = models(context)
    check(places.size == said.size) { "recorded.json is not of these models" }
    return places.zip(said).mapIndexed { at, (place, record) -> recordedModel(context, place, "models/${at + 1}/", record as Map<*, *>) }
}

private fun recordedModel(context: Context, place: ModelPlace, root: String, record: Map<*, *>): RecordedModel {
    val bundle = place.open()
    check(record["model"] == bundle.int8().sha256) { "recorded.json is of another model; write the project again" }
    val folder = AssetFolder(context.assets, (if (place.name.isEmpty()) "" else root) + "selfcheck")
    val said = (record["pictures"] as List<*>).map { it as Map<*, *> }
    // The array lies at the end of its file.
    val (size, all) = bundle.card.preprocess.size.let { it * it } to folder.content("pixels.npy")
    val pictures = said.mapIndexed { at, it ->
        val start = all.size - (said.size - at) * size
        picture(it, folder.content(it["file"] as String), all.copyOfRange(start, start + size))
    }
    val drawn = bundle.golden().zip((record["drawn"] as List<*>).map { outputs(it as Map<*, *>) })
    val outputs = pictures.map { it.pixels to it.outputs } + drawn
    return RecordedModel(place, record["model"] as String, pictures, record["series"] as Map<*, *>, outputs)
}

private fun AssetFolder.content(name: String) = open(name).use { it.readBytes() }

private fun picture(said: Map<*, *>, content: ByteArray, pixels: ByteArray) = RecordedPicture(
    said["file"] as String,
    content,
    pixels,
    outputs(said["outputs"] as Map<*, *>),
    said["probability"] as Double,
    said["verdict"] as String,
    (said["doubts"] as List<*>).isNotEmpty(),
)

private fun outputs(said: Map<*, *>) = said.entries.associate { (name, digits) -> name as String to bytes(digits as String) }

private fun bytes(digits: String) = ByteArray(digits.length / 2) { digits.substring(2 * it, 2 * it + 2).toInt(16).toByte() }

/**
 * Answers golden pictures with what was recorded of them: LiteRT's library for phones does not run on a computer.
 *
 * Any other picture is an error, never a number, unless [also] has an answer for its pixels. [change] sees each output.
 */
class RecordedRuntime(
    private val models: List<RecordedModel>,
    private val change: (Tensor, ByteArray) -> ByteArray = { _, stored -> stored },
) : Runtime {
    override val name = "RecordedRuntime"
    override val version = "1"
    override val delegate = "none"
    val also = ArrayList<Pair<ByteArray, Map<String, ByteArray>>>()
    val opened = AtomicInteger()
    val invoked = AtomicInteger()
    val closed = AtomicInteger()

    override fun open(variant: Variant, threads: Int): Network {
        opened.incrementAndGet()
        return RecordedNetwork(models.single { it.sha256 == variant.sha256 }, variant)
    }

    private inner class RecordedNetwork(private val model: RecordedModel, private val variant: Variant) : Network {
        private var fed = ByteArray(0)
        private var answer = emptyMap<String, ByteArray>()

        override fun feed(stored: ByteArray) {
            fed = stored.copyOf()
        }

        override fun invoke() {
            invoked.incrementAndGet()
            answer = checkNotNull((also + model.outputs).firstOrNull { same(it.first, fed) }) { "nothing is recorded of this picture" }.second
        }

        override fun read(name: String): ByteArray = change(checkNotNull(variant.output(name)), answer.getValue(name).copyOf())

        override fun close() {
            closed.incrementAndGet()
        }
    }

    /** As near as the self-check wants two decoders of one JPEG to be. */
    private fun same(one: ByteArray, other: ByteArray) = one.size == other.size &&
        one.indices.all { abs((one[it].toInt() and 255) - (other[it].toInt() and 255)) <= 2 }
}
