package org.hemotk.core

private const val MARKER = 0xFF
private const val SCAN = 0xDA
private const val END = 0xD9
private val SIZES = (0xC0..0xCF) - setOf(0xC4, 0xC8, 0xCC)
private val PROFILE = "ICC_PROFILE\u0000".toByteArray(Charsets.ISO_8859_1)
private val EXIF = "Exif\u0000\u0000".toByteArray(Charsets.ISO_8859_1)
private val XMP = "http://ns.adobe.com/xap/1.0/\u0000".toByteArray(Charsets.ISO_8859_1)

/** The kinds of files that are decoded, here or by the system. */
enum class FileKind { PNG, JPEG, WEBP, GIF, BMP }

/** The kind of the file, by its first bytes; null for every other. */
fun fileKind(file: ByteArray): FileKind? = when {
    file.startsWith(PNG_START) -> FileKind.PNG
    file.startsWith(byteArrayOf(-1, 0xD8.toByte(), -1)) -> FileKind.JPEG
    file.startsWith("RIFF") && file.startsWith("WEBP", 8) -> FileKind.WEBP
    file.startsWith("GIF87a") || file.startsWith("GIF89a") -> FileKind.GIF
    file.startsWith("BM") -> FileKind.BMP
    else -> null
}

/** A file for the system's decoder: [bytes] without a colour profile, which it would apply, and how it is to be turned. */
class Prepared(val bytes: ByteArray, val orientation: Int)

/** Decode a PNG; DICOM-like 16-bit gray goes through the [preprocess]'s window where that says what its values are. */
fun decodePng(file: ByteArray, preprocess: Preprocess, where: String): Picture {
    val png = Png(file, where)
    val values = png.deep ?: return Picture.of(png, where).oriented(png.orientation)
    val offset = preprocess.huOffset
    val bytes = if (offset == null) upperByte(values, where) else throughWindow(values, preprocess.window, offset)
    return Picture(Gray(png.width, png.height, bytes), null).oriented(png.orientation)
}

/**
 * What the system's decoder gets of a file that is no PNG.
 *
 * Throws [HemotkException] where the file was cut short, has several frames, or has colours that decoders differ about.
 */
fun prepare(file: ByteArray, kind: FileKind, where: String): Prepared = when (kind) {
    FileKind.JPEG -> jpeg(file, where)
    FileKind.WEBP -> webp(file, where)
    FileKind.GIF -> Prepared(file, 1)
    FileKind.BMP -> Prepared(file, 1).also {
        // With 32 bits, readers differ about what the fourth byte is.
        if (file.size < 30 || byte(file, 28) > 24) throw HemotkException(Problem.UNUSUAL_COLOURS, where)
    }
    FileKind.PNG -> throw IllegalArgumentException("a PNG is decoded here")
}

private fun jpeg(file: ByteArray, where: String): Prepared {
    if (!endsAsJpeg(file)) throw HemotkException(Problem.NO_PICTURE, where)
    val kept = ArrayList<IntRange>()
    var exif: ByteArray? = null
    var xmp: ByteArray? = null
    var from = 0
    var at = 2
    while (true) {
        if (at + 4 > file.size || byte(file, at) != MARKER) throw HemotkException(Problem.NO_PICTURE, where)
        val kind = byte(file, at + 1)
        if (kind == MARKER) {
            at++ // a marker may be padded
            continue
        }
        if (kind == SCAN) break
        val end = at + 2 + (byte(file, at + 2) shl 8 or byte(file, at + 3))
        if (end > file.size || end < at + 4) throw HemotkException(Problem.NO_PICTURE, where)
        if (kind in SIZES && (end < at + 10 || byte(file, at + 9) !in setOf(1, 3) || byte(file, at + 4) != 8)) {
            throw HemotkException(Problem.UNUSUAL_COLOURS, where)
        }
        if (kind == 0xE1 && exif == null && file.startsWith(EXIF, at + 4)) exif = file.copyOfRange(at + 4 + EXIF.size, end)
        if (kind == 0xE1 && xmp == null && file.startsWith(XMP, at + 4)) xmp = file.copyOfRange(at + 4 + XMP.size, end)
        if (kind == 0xE2 && file.startsWith(PROFILE, at + 4)) {
            kept.add(from until at)
            from = end
        }
        at = end
    }
    kept.add(from until file.size)
    return Prepared(joined(file, kept), orientation(exif, xmp))
}

/** The end marker is the last thing in the file, zeros aside: a thumbnail further up has one as well. */
internal fun endsAsJpeg(file: ByteArray): Boolean {
    val last = file.indexOfLast { it != 0.toByte() }
    return last > 0 && byte(file, last - 1) == MARKER && byte(file, last) == END
}

private fun webp(file: ByteArray, where: String): Prepared {
    val chunks = riff(file, where)
    val features = chunks.firstOrNull { it.first == "VP8X" }?.second
    if (features != null && byte(file, features.first) and 2 != 0) throw HemotkException(Problem.SEVERAL_FRAMES, where)
    val profile = chunks.any { it.first == "ICCP" }
    if (profile) throw HemotkException(Problem.UNUSUAL_COLOURS, where)
    val content = { name: String -> chunks.firstOrNull { it.first == name }?.second?.let { file.sliceArray(it) } }
    val exif = content("EXIF")?.let { if (it.startsWith(EXIF)) it.copyOfRange(EXIF.size, it.size) else it }
    return Prepared(file, orientation(exif, content("XMP ")))
}

/** The chunks' names and places. */
private fun riff(file: ByteArray, where: String): List<Pair<String, IntRange>> {
    val found = ArrayList<Pair<String, IntRange>>()
    var at = 12
    val end = 8 + little(file, 4)
    if (end > file.size || end < 20) throw HemotkException(Problem.NO_PICTURE, where)
    while (at + 8 <= end) {
        val length = little(file, at + 4)
        if (length > end - at - 8) throw HemotkException(Problem.NO_PICTURE, where)
        val from = at + 8
        found.add(String(file, at, 4, Charsets.ISO_8859_1) to (from until from + length.toInt()))
        at = from + (length + length % 2).toInt()
    }
    return found
}

private fun little(file: ByteArray, at: Int): Long =
    if (at + 4 > file.size) Long.MAX_VALUE / 4 else (3 downTo 0).fold(0L) { sum, place -> sum shl 8 or byte(file, at + place).toLong() }

private fun joined(file: ByteArray, kept: List<IntRange>): ByteArray {
    val bytes = ByteArray(kept.sumOf { it.last + 1 - it.first })
    kept.fold(0) { at, range ->
        file.copyInto(bytes, at, range.first, range.last + 1)
        at + range.last + 1 - range.first
    }
    return bytes
}

private fun ByteArray.startsWith(text: String, at: Int = 0) = startsWith(text.toByteArray(Charsets.ISO_8859_1), at)

private fun ByteArray.startsWith(start: ByteArray, at: Int = 0) =
    size >= at + start.size && start.indices.all { this[at + it] == start[it] }
