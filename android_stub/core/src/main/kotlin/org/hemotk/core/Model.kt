package org.hemotk.core

/**
 * What is shown of a picture: the calibrated [probability] of class 1, the [label]'s name as [verdict], the [logit]
 * before the temperature, the map if there is one, and why it may be no head CT slice.
 */
class Finding(
    val logit: Double,
    val probability: Double,
    val label: Int,
    val verdict: String,
    val cam: Cam?,
    val doubts: List<Doubt>,
)

/**
 * The int8 model of a bundle, ready to be asked; one thread at a time.
 *
 * Throws [HemotkException] where a file is missing, is not the recorded one, or is no model of the pixel contract.
 */
class Model(val bundle: Bundle, runtime: Runtime, threads: Int) : AutoCloseable {
    val variant = bundle.int8().also(bundle::check)
    private val network = runtime.open(variant, threads)
    private val classifier = closingOnFailure(network) { Classifier(network, variant, bundle.card.preprocess) }

    /** From a decoded picture to the verdict. */
    fun look(picture: Picture): Finding {
        val card = bundle.card
        val answer = classify(toPixels(picture.gray, card.preprocess.size))
        val label = card.decision.label(answer.logit)
        val probability = card.decision.probability(answer.logit)
        return Finding(answer.logit, probability, label, card.labels[label], answer.cam, Looks.of(picture).doubts())
    }

    /** Score the pixels that the network sees. */
    fun classify(pixels: ByteArray): Answer = classifier.classify(pixels)

    /** The same as the output tensors hold it, for a bench's file. */
    fun stored(id: String, pixels: ByteArray): BenchedImage = classifier.stored(id, pixels)

    override fun close() = network.close()
}

/** The result of [work]; what holds memory of its own is closed where that throws anything. */
inline fun <T> closingOnFailure(resource: AutoCloseable, work: () -> T): T = try {
    work()
} catch (error: Throwable) {
    resource.close()
    throw error
}
