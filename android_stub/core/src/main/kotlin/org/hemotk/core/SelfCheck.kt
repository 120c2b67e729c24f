package org.hemotk.core

import kotlin.math.abs

/**
 * One golden picture as this device sees it, held against what Python made of it.
 *
 * [levels] is the greatest difference of the network's pixels, 0 to 255, or 256 where the file was not decoded, and
 * [mostLevels] the greatest allowed. [logit] and [map] are the greatest differences of the model's outputs on Python's own
 * pixels; infinite where there is no output to compare.
 */
class CheckedPicture(val file: String, val levels: Int, val mostLevels: Int, val logit: Double, val map: Double)

/** Whether this device's decoder, arithmetic and runtime do what Python's did. */
class SelfCheck(val pictures: List<CheckedPicture>, val tolerance: Double, val mapTolerance: Double) {
    /** False without pictures, and where anything is no number. */
    val passed = pictures.isNotEmpty() && pictures.all(::passes)

    /** Whether this picture is within what is allowed. */
    fun passes(it: CheckedPicture) = it.levels <= it.mostLevels && it.logit <= tolerance && it.map <= mapTolerance
}

/** The golden set that `hemotk android` writes beside a bundle: files, the pixels they become, and the model's outputs. */
class GoldenSet(private val folder: Folder, private val bundle: Bundle) {
    private val card = Fields.parse(CARD, String(folder.bytes(CARD), Charsets.UTF_8), SCHEMA)

    /** Run the set through [decode] and [model]. Throws [HemotkException] where the set is not of this model or of its card. */
    fun check(model: Model, decode: (ByteArray, String) -> Picture): SelfCheck {
        card.check(card.text("model") == model.variant.sha256, "model")
        // Threshold, temperature and labels are in the card alone: no output would tell that they were changed.
        if (card.text("card") != bundle.cardSha256) throw HemotkException(Problem.WRONG_CHECKSUM, Card.FILE)
        val tolerance = card.number("tolerance")
        val mapTolerance = card.number("map_tolerance")
        card.check(tolerance > 0 && mapTolerance > 0, "tolerance")
        val pictures = card.each("pictures")
        val checked = ArrayList<CheckedPicture>()
        val size = bundle.preprocess.size
        folder.open(PIXELS).use { stream ->
            val pixels = Npy(stream, PIXELS, size)
            pixels.check(pixels.count == pictures.size)
            pixels.forEach { checked.add(checked(pictures[checked.size], it, model, decode)) }
        }
        return SelfCheck(checked, tolerance, mapTolerance)
    }

    private fun checked(said: Fields, pixels: ByteArray, model: Model, decode: (ByteArray, String) -> Picture): CheckedPicture {
        val file = said.text("file")
        val answer = model.classify(pixels)
        val map = answer.cam?.values ?: FloatArray(0)
        return CheckedPicture(
            file,
            levels(file, pixels, decode),
            said.int("levels"),
            abs(answer.logit - said.number("logit")),
            greatest(map, said.numbers("map")),
        )
    }

    private fun levels(file: String, pixels: ByteArray, decode: (ByteArray, String) -> Picture): Int {
        val picture = try {
            decode(folder.bytes(file), file)
        } catch (error: HemotkException) {
            return 256
        }
        val seen = toPixels(picture.gray, bundle.preprocess.size)
        return pixels.indices.maxOf { abs(byte(pixels, it) - byte(seen, it)) }
    }

    private fun greatest(map: FloatArray, said: List<Double>): Double {
        if (map.size != said.size) return Double.POSITIVE_INFINITY
        var most = 0.0
        for (i in map.indices) {
            val difference = abs(map[i] - said[i])
            if (!(difference <= most)) most = difference // keeps what is no number
        }
        return most
    }

    private companion object {
        const val CARD = "selfcheck.json"
        const val PIXELS = "pixels.npy"
        const val SCHEMA = "hemotk.selfcheck/1"
    }
}

private val Bundle.preprocess get() = card.preprocess
