package org.hemotk.core

import java.io.IOException
import java.io.InputStream

/** A folder that files are read from: assets of an app, or a folder on a disk. */
interface Folder {
    /** Open the file for reading. Throws [IOException] where there is none. */
    fun open(name: String): InputStream
}

/** A bundle whose card was read; every file is checked against the card's checksum before it is used. */
class Bundle(private val folder: Folder) {
    private val cardBytes = folder.bytes(Card.FILE)
    val card = Card.parse(String(cardBytes, Charsets.UTF_8))

    /** The checksum of the card's file. */
    val cardSha256 get() = sha256(cardBytes)

    /** The model that the app runs: bytes in, bytes or floats out. */
    fun int8(): Variant {
        val found = card.variants.firstOrNull { it.kind == "int8" }
            ?: throw HemotkException(Problem.NO_INT8_MODEL, card.name)
        val fits = found.input.isBytes && found.outputs.all { it.isBytes || it.dtype == "float32" }
        if (!fits) throw HemotkException(Problem.UNUSABLE_MODEL, found.file)
        return found
    }

    /** The variants that are there; an app holds only the one that it runs. */
    fun present() = card.variants.filter { folder.has(it.file) }

    /** Check the file of [variant]. */
    fun check(variant: Variant) = folder.check(variant.file, variant.sha256)

    /** The drawn pictures that every bundle holds, [size, size] bytes each. */
    fun golden(): List<ByteArray> {
        val recorded = card.files[GOLDEN] ?: throw HemotkException(Problem.UNREADABLE_CARD, "${Card.FILE}: files")
        folder.check(GOLDEN, recorded)
        return Npy.fromZip(folder.open(GOLDEN), "pixels.npy", GOLDEN, card.preprocess.size)
    }

    companion object {
        const val GOLDEN = "golden.npz"
    }
}

/** The test split beside a bundle: checked as a whole, then read image by image. */
class TestSet(private val folder: Folder, bundle: Card) {
    private val cardBytes = folder.bytes(CARD)
    private val size = bundle.preprocess.size

    /** How many images there are. An image is known by its number: what the card may call it stays where it is. */
    val count: Int

    init {
        if (sha256(cardBytes) != bundle.testset) throw HemotkException(Problem.WRONG_CHECKSUM, CARD)
        val card = Fields.parse(CARD, String(cardBytes, Charsets.UTF_8), SCHEMA)
        card.check(Card.preprocess(card.fields("preprocess")) == bundle.preprocess, "preprocess")
        count = card.each("items").size
        folder.check(IMAGES, card.text("images"))
    }

    /** Hand each image's bytes to [use], in the order of their numbers. */
    fun forEach(use: (ByteArray) -> Unit) =
        folder.open(IMAGES).use { Npy(it, IMAGES, size).apply { check(count == this@TestSet.count) }.forEach(use) }

    companion object {
        const val CARD = "testset.json"
        const val IMAGES = "images.npy"
        private const val SCHEMA = "hemotk.testset/1"
    }
}

internal fun Folder.has(name: String) = try {
    open(name).close()
    true
} catch (error: IOException) {
    false
}

internal fun Folder.bytes(name: String) = found(name) { open(name).use { it.readBytes() } }

internal fun Folder.check(name: String, recorded: String) {
    if (found(name) { sha256(open(name)) } != recorded) throw HemotkException(Problem.WRONG_CHECKSUM, name)
}

private inline fun <T> found(name: String, read: () -> T): T = try {
    read()
} catch (error: IOException) {
    throw HemotkException(Problem.FILE_MISSING, name, error)
}
