package org.hemotk.core

/**
 * The pixel contract's figures: [size]×[size] gray bytes p are the network input scale · (p − zeroPoint).
 *
 * With a [huOffset] the values of 16-bit gray are Hounsfield units plus that, and seen through the [window].
 */
data class Preprocess(
    val size: Int,
    val scale: Double,
    val zeroPoint: Int,
    val window: Window = Window(40.0, 80.0),
    val huOffset: Int? = null,
)

/** An input or output: real value = [scale] · (stored − [zeroPoint]); scale 0 means stored as is. */
class Tensor(val name: String, val dtype: String, val shape: List<Int>, val scale: Double, val zeroPoint: Int) {
    val isBytes get() = dtype == "uint8" && scale > 0
}

/** One .tflite of a bundle; [outputs] has `logit` and `probability`, and `cam` where it gives a map. */
class Variant(val kind: String, val file: String, val sha256: String, val input: Tensor, val outputs: List<Tensor>) {
    /** The output of that name, or null. */
    fun output(name: String) = outputs.firstOrNull { it.name == name }
}

/** What an app needs of `bundle.json`, as `hemotk.artifacts.BundleCard` writes it. */
class Card(
    val name: String,
    val labels: List<String>,
    val preprocess: Preprocess,
    val decision: Decision,
    val variants: List<Variant>,
    val files: Map<String, String>,
    val testset: String,
    val study: SeriesRule? = null,
) {
    companion object {
        const val FILE = "bundle.json"
        private const val SCHEMA = "hemotk.bundle/1"

        /** Read the card; one that does not fit in every field used is refused. */
        fun parse(text: String): Card {
            val card = Fields.parse(FILE, text, SCHEMA)
            val threshold = card.number("threshold")
            val temperature = card.number("temperature")
            card.check(threshold > 0 && threshold < 1, "threshold")
            card.check(temperature in 0.25..8.0, "temperature")
            val labels = card.texts("labels")
            card.check(labels.size == 2, "labels")
            return Card(
                card.text("name"),
                labels,
                preprocess(card.fields("preprocess")),
                Decision(threshold, temperature),
                card.each("variants").map(::variant),
                card.fields("files").textMap(),
                card.text("testset"),
                if (card.has("study")) study(card.fields("study")) else null,
            )
        }

        internal fun preprocess(fields: Fields): Preprocess {
            val found = Preprocess(
                fields.int("size"),
                fields.number("scale"),
                fields.int("zero_point"),
                Window(fields.number("window_level"), fields.number("window_width")),
                if (fields.has("hu_offset")) fields.int("hu_offset") else null,
            )
            fields.check(found.window.width > 0, "window_width")
            fields.check(found.size in 16..1024, "size")
            fields.check(found.scale > 0, "scale")
            fields.check(found.zeroPoint in 0..255, "zero_point")
            // A bundle that wants other pixels than these is refused, not guessed at.
            fields.check(fields.text("gray") == "itu-r-601-2", "gray")
            fields.check(fields.text("pad") == "square-black-right-bottom", "pad")
            fields.check(fields.text("resize") == "pillow-bilinear-antialias", "resize")
            return found
        }

        private fun study(fields: Fields): SeriesRule {
            val rule = SeriesRule(fields.int("k"), fields.number("threshold"), assumed = false)
            fields.check(rule.k >= 1, "k")
            fields.check(rule.threshold > 0 && rule.threshold < 1, "threshold")
            return rule
        }

        private fun variant(fields: Fields): Variant {
            val file = fields.text("file")
            fields.check(file.isNotEmpty() && '/' !in file && file != "..", "file")
            val outputs = fields.each("outputs").map(::tensor)
            val variant = Variant(fields.text("kind"), file, fields.text("sha256"), tensor(fields.fields("input")), outputs)
            fields.check(variant.output("logit") != null && variant.output("probability") != null, "outputs")
            return variant
        }

        private fun tensor(fields: Fields): Tensor {
            val shape = fields.list("shape").map { (it as? Long)?.toInt() ?: 0 }
            fields.check(shape.all { it > 0 }, "shape")
            return Tensor(fields.text("name"), fields.text("dtype"), shape, fields.number("scale"), fields.int("zero_point"))
        }
    }
}
