package org.hemotk.core

/** What is shown of a picture: the calibrated [probability] of class 1, the [label]'s name, and the map if there is one. */
class Finding(val probability: Double, val label: Int, val verdict: String, val cam: Cam?)

/**
 * The int8 model of a bundle, ready to be asked; one thread at a time.
 *
 * Throws [HemotkException] where a file is missing, is not the recorded one, or is no model of the pixel contract.
 */
class Model(val bundle: Bundle, runtime: Runtime, threads: Int) : AutoCloseable {
    private val variant = bundle.int8().also(bundle::check)
    private val network = runtime.open(variant, threads)
    private val classifier = Classifier(network, variant, bundle.card.preprocess)

    /** From a decoded picture to the verdict. */
    fun look(gray: Gray): Finding {
        val card = bundle.card
        val answer = classifier.classify(toPixels(gray, card.preprocess.size))
        val label = card.decision.label(answer.logit)
        return Finding(card.decision.probability(answer.logit), label, card.labels[label], answer.cam)
    }

    override fun close() = network.close()
}
