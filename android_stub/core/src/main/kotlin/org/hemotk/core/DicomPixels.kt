package org.hemotk.core

import kotlin.math.abs
import kotlin.math.sqrt

/** How a slice's values are stored: [bits] of [allocated] each; [inverted] where the least one is to be shown white. */
internal class SliceFacts(
    val rows: Int,
    val columns: Int,
    val allocated: Int,
    val bits: Int,
    val signed: Boolean,
    val inverted: Boolean,
) {
    companion object {
        // CT Image Storage, and its Enhanced and Legacy Converted kinds, which may hold a single frame.
        private val SLICES = listOf("", ".1", ".2").map { "1.2.840.10008.5.1.4.1.1.2$it" } + ""

        /** Refuses what is no single gray slice in Hounsfield units. */
        fun of(elements: Elements, where: String): SliceFacts {
            fun refuse(problem: Problem): Nothing = throw HemotkException(problem, where)
            if (elements.text(0x00080060) != "CT") refuse(Problem.DICOM_MODALITY)
            if (elements.text(0x00080016) !in SLICES) refuse(Problem.DICOM_CAPTURE)
            if ("LOCALIZER" in elements.text(0x00080008).split('\\').map { it.trim() }) refuse(Problem.DICOM_LOCALIZER)
            if (!mayBeAxial(numbers(elements.text(0x00200037), 6))) refuse(Problem.DICOM_ORIENTATION)
            if (elements[PIXELS] == null) refuse(Problem.NO_PICTURE)
            val frames = elements.text(0x00280008).ifEmpty { "1" }
            if (frames.any { it !in '0'..'9' }) refuse(Problem.NO_PICTURE)
            if (frames.trimStart('0') != "1") refuse(if (frames.all { it == '0' }) Problem.NO_PICTURE else Problem.SEVERAL_FRAMES)
            val kind = elements.text(0x00280004)
            if (elements.short(0x00280002) != 1 || kind !in setOf("MONOCHROME1", "MONOCHROME2")) refuse(Problem.DICOM_COLOURS)
            if (elements.text(0x00281054) !in setOf("", "HU", "US")) refuse(Problem.DICOM_UNIT)
            val (rows, columns) = listOf(0x00280010, 0x00280011).map(elements::short)
            checkSize(columns, rows, where)
            val (allocated, bits, high, sign) = (0x00280100..0x00280103).map(elements::short)
            if (allocated !in setOf(8, 16) || bits < 2 || bits > allocated || high != bits - 1 || sign > 1) refuse(Problem.DICOM_BITS)
            return SliceFacts(rows, columns, allocated, bits, sign == 1, kind == "MONOCHROME1")
        }
    }
}

/** The values of a slice as they lie in the file, uncompressed and in little endian. */
internal class StoredPixels(private val elements: Elements, private val facts: SliceFacts, where: String) {
    private val start: Int

    init {
        val element = elements[PIXELS] ?: throw damaged(where)
        val wanted = facts.rows * facts.columns * (facts.allocated / 8)
        if (!element.hasEnd || element.length !in setOf(wanted, wanted + wanted % 2)) throw damaged(where)
        start = element.offset
    }

    /** The lowest [bits] of each value, with its sign. */
    fun values(bits: Int): IntArray {
        val file = elements.bytes
        val shift = 32 - bits
        return IntArray(facts.rows * facts.columns) { at ->
            val low = if (facts.allocated == 8) byte(file, start + at) else little16(file, start + 2 * at)
            if (facts.signed) low shl shift shr shift else low shl shift ushr shift
        }
    }

    /** Whether a pixel is padding, by its place, where [values] are those of the stored bits; null where none is. */
    fun padding(values: IntArray): ((Int) -> Boolean)? {
        val value = marked(0x00280120) ?: return null
        val ends = listOfNotNull(value, marked(0x00280121)).map(::wrapped)
        val lost = facts.allocated - facts.bits
        // Some writers mark padding in the bits above the stored ones.
        val seen = if (ends.any { wrapped(it shl lost) shr lost != it }) values(facts.allocated) else values
        val range = ends.min()..ends.max()
        return { seen[it] in range }
    }

    private fun marked(tag: Int): Int? {
        val element = elements[tag]?.takeIf { it.length == 2 } ?: return null
        val low = little16(elements.bytes, element.offset)
        return if (element.vr == "SS") low.toShort().toInt() else low
    }

    /** A padding value as a stored one: some writers keep the bits of −2000 as 63536. */
    private fun wrapped(value: Int): Int {
        val bits = 1 shl facts.allocated
        val low = Math.floorMod(value, bits)
        return if (facts.signed && low >= bits / 2) low - bits else low
    }
}

private const val LEAST_AXIAL = 0.7 // of the normal along the body: gantries tilt, and heads lie askew
private const val BITS = 12
private const val FULL = 1 shl BITS
private const val HALF = FULL / 2
private const val DENSEST = 2900 // of what is still taken for metal, where no padding lies below
private const val SPIKE = 0.02 // share of the pixels that metal does not reach
private const val LEAST_INTERCEPT = -100.0 // with a lower one, negative values of 12 bits were not needed
private const val NO_METAL = 3900.0 // Hounsfield units from which on more than a spike of the pixels is no metal

/** Whether a slice lies across the body by its [orientation], or does not say how it lies. */
private fun mayBeAxial(orientation: List<Double>?): Boolean {
    val (right, down) = orientation?.chunked(3) ?: return true
    val x = right[1] * down[2] - right[2] * down[1]
    val y = right[2] * down[0] - right[0] * down[2]
    val z = right[0] * down[1] - right[1] * down[0]
    val length = sqrt(x * x + y * y + z * z)
    return !length.isFinite() || length < 1e-6 || abs(z) >= LEAST_AXIAL * length
}

/** Whether the header says values without sign whose upper half is needed for no Hounsfield units. */
internal fun mayBeWrapped(facts: SliceFacts, slope: Double, intercept: Double): Boolean {
    if (facts.signed || facts.bits < BITS) return false
    if (facts.bits == BITS) return intercept > LEAST_INTERCEPT
    return slope * (1 shl (facts.bits - 1)) + intercept >= NO_METAL
}

/** Whether negative values of [bits] bits without sign wrapped: they are denser than anything in a head. */
internal fun isWrapped(stored: IntArray, bits: Int, padding: ((Int) -> Boolean)?): Boolean {
    if (bits > BITS) {
        val half = 1 shl (bits - 1)
        return stored.indices.count { stored[it] >= half && padding?.invoke(it) != true } > SPIKE * stored.size
    }
    val counts = histogram(stored)
    val commonest = counts.indices.maxByOrNull { counts[it] } ?: 0
    return commonest >= HALF || (DENSEST until FULL).sumOf { counts[it] } > SPIKE * stored.size
}

/** The values of [bits] bits with their sign again. */
internal fun unwrapped(stored: IntArray, bits: Int): IntArray {
    if (bits > BITS) return IntArray(stored.size) { if (stored[it] >= 1 shl (bits - 1)) stored[it] - (1 shl bits) else stored[it] }
    val counts = histogram(stored)
    val border = if ((HALF until DENSEST).maxOf { counts[it] } > SPIKE * stored.size) HALF else DENSEST
    return IntArray(stored.size) { if (stored[it] >= border) stored[it] - FULL else stored[it] }
}

private fun histogram(stored: IntArray) = IntArray(FULL).also { counts -> stored.forEach { counts[it]++ } }

internal const val PIXELS = 0x7FE00010
