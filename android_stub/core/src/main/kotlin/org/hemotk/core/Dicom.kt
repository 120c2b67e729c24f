package org.hemotk.core

import java.math.BigDecimal

/** Whom and where a slice is of; it stays in memory. Texts are empty, and the rest null, where the file does not say. */
class SliceHeader(
    val patient: String,
    val study: String,
    val series: String,
    val instance: String,
    val number: Int?,
    val position: List<Double>?,
    val orientation: List<Double>?,
)

/** A slice as gray; [corrected] where negative Hounsfield units had wrapped to large ones and were put right. */
class DicomSlice(val gray: Gray, val header: SliceHeader, val corrected: Boolean)

/** Whether the file is DICOM by how it begins, whatever it is called. */
fun isDicom(file: ByteArray) = hasPreamble(file) || beginsLikeElements(file)

/**
 * The slice in the bytes of a DICOM file, through [window], as `hemotk.data.read.dicom` reads it.
 *
 * Uncompressed little endian is read. Names, dates and the like are not. Throws [HemotkException] for all else.
 */
fun decodeDicom(file: ByteArray, window: Window, where: String): DicomSlice {
    val elements = elements(file, where)
    val facts = SliceFacts.of(elements, where)
    val pixels = StoredPixels(elements, facts, where)
    val values = pixels.values(facts.bits)
    val slope = decimal(elements.text(SLOPE), -6, where)
    val intercept = decimal(elements.text(INTERCEPT), -30, where)
    val padding = pixels.padding(values)
    val corrected = mayBeWrapped(facts, slope.toDouble(), intercept.toDouble()) && isWrapped(values, facts.bits, padding)
    if (slope.signum() <= 0) throw HemotkException(Problem.DICOM_SLOPE, where)
    val gray = seen(if (corrected) unwrapped(values, facts.bits) else values, thresholds(slope, intercept, window))
    if (facts.inverted) for (i in gray.indices) gray[i] = (255 - byte(gray, i)).toByte()
    if (padding != null) for (i in gray.indices) if (padding(i)) gray[i] = 0
    return DicomSlice(Gray(facts.columns, facts.rows, gray), header(elements), corrected)
}

private fun hasPreamble(file: ByteArray) = file.size >= 132 && latin1(file, 128, 4) == "DICM"

private fun elements(file: ByteArray, where: String): Elements {
    val part10 = hasPreamble(file)
    if (!part10 && little16(file, 0) != 2) return ElementReader(file, 0, where).read(isKind(file, 4))
    val reader = ElementReader(file, if (part10) 132 else 0, where)
    val syntax = reader.read(explicit = true, group = 2).text(0x00020010)
    val rest = ElementReader(file, reader.position, where)
    return when (syntax) {
        IMPLICIT -> rest.read(explicit = false)
        EXPLICIT -> rest.read(explicit = true)
        "" -> rest.read(isKind(file, reader.position + 4))
        else -> throw HemotkException(Problem.DICOM_SYNTAX, where)
    }
}

private fun header(elements: Elements): SliceHeader {
    val number = elements.text(0x00200013)
    return SliceHeader(
        elements.text(0x00100020),
        elements.text(0x0020000D),
        elements.text(0x0020000E),
        elements.text(0x00080018),
        if (Regex("[+-]?[0-9]+").matches(number)) number.toIntOrNull() else null,
        numbers(elements.text(0x00200032), 3),
        numbers(elements.text(0x00200037), 6),
    )
}

internal fun numbers(said: String, count: Int): List<Double>? {
    val found = said.split('\\').map { it.trim().toDoubleOrNull() ?: return null }
    return found.takeIf { it.size == count && it.all { number -> number.isFinite() } }
}

/** The number that a decimal string says, of an order of magnitude from [least] to 6, or 0. */
private fun decimal(said: String, least: Int, where: String): BigDecimal {
    val wrong = HemotkException(Problem.DICOM_RESCALE, where)
    if (said.length > 64 || !DECIMAL.matches(said)) throw wrong
    val value = BigDecimal(said)
    if (value.signum() != 0 && value.precision() - value.scale() - 1 !in least..6) throw wrong
    return value
}

private val DECIMAL = Regex("[+-]?(?:[0-9]+(?:\\.[0-9]*)?|\\.[0-9]+)(?:[eE][+-]?[0-9]{1,6})?")

private fun seen(values: IntArray, edges: LongArray): ByteArray {
    val known = HashMap<Int, Byte>()
    return ByteArray(values.size) { at -> known.getOrPut(values[at]) { reached(edges, values[at].toLong()).toByte() } }
}

private const val IMPLICIT = "1.2.840.10008.1.2"
private const val EXPLICIT = "1.2.840.10008.1.2.1"
private const val SLOPE = 0x00281053
private const val INTERCEPT = 0x00281052
