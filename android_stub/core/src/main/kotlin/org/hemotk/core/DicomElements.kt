package org.hemotk.core

/** One element of a DICOM file: where its value lies, and its kind, which is empty where the file does not say. */
internal class Element(val vr: String, val offset: Int, val length: Int, val hasEnd: Boolean)

/** The elements of a file in little endian, by their tags; nested ones are passed over. Values are read when asked for. */
internal class Elements(val bytes: ByteArray, private val found: Map<Int, Element>, private val where: String) {
    operator fun get(tag: Int) = found[tag]

    /** A text without the spaces or the zero that make it even; empty where it is not there. */
    fun text(tag: Int): String {
        val element = found[tag] ?: return ""
        val whole = latin1(bytes, element.offset, element.length).removeSuffix("\u0000").trim()
        // A zero within: the element is longer than its text, because its length was changed.
        if ('\u0000' in whole) throw damaged(where)
        return whole
    }

    /** A number of two bytes without sign. */
    fun short(tag: Int): Int {
        val element = found[tag]
        if (element == null || element.length != 2 || element.vr !in setOf("", "US")) throw damaged(where)
        return little16(bytes, element.offset)
    }
}

/** The elements of a file or of what follows its header, from byte [at] on. */
internal class ElementReader(private val bytes: ByteArray, private var at: Int, private val where: String) {
    /** All elements to the end of the file, or, with [group], those of that group alone. */
    fun read(explicit: Boolean, group: Int? = null): Elements {
        val found = HashMap<Int, Element>()
        while (at < bytes.size) {
            if (at + 8 > bytes.size) throw damaged(where)
            if (group != null && little16(bytes, at) != group) break
            val (tag, element) = element(explicit, 0)
            // Twice is never right, and readers differ in which one they take.
            if (found.put(tag, element) != null) throw damaged(where)
        }
        return Elements(bytes, found, where)
    }

    /** Where the next element begins. */
    val position get() = at

    private fun element(explicit: Boolean, depth: Int): Pair<Int, Element> {
        if (depth > DEEPEST || at + 8 > bytes.size) throw damaged(where)
        val tag = tag()
        val vr = if (explicit) latin1(bytes, at + 4, 2) else ""
        if (explicit && vr !in VRS) throw damaged(where)
        val start = if (vr in LONG_VRS) 12 else 8
        if (at + start > bytes.size) throw damaged(where)
        val length = when {
            !explicit -> little32(bytes, at + 4)
            start == 12 -> little32(bytes, at + 8)
            else -> little16(bytes, at + 6).toLong()
        }
        at += start
        val begin = at
        if (length == NO_LENGTH) {
            items(explicit && vr != "UN", depth + 1)
            return tag to Element(vr, begin, at - begin, hasEnd = false)
        }
        if (length > bytes.size - begin) throw damaged(where)
        at += length.toInt()
        return tag to Element(vr, begin, length.toInt(), hasEnd = true)
    }

    /** Pass over the items of a sequence whose length nobody says, to its end. */
    private fun items(explicit: Boolean, depth: Int) {
        while (true) {
            if (at + 8 > bytes.size) throw damaged(where)
            val tag = tag()
            val length = little32(bytes, at + 4)
            at += 8
            when {
                tag == SEQUENCE_END -> return
                tag != ITEM -> throw damaged(where)
                length == NO_LENGTH -> item(explicit, depth)
                length > bytes.size - at -> throw damaged(where)
                else -> at += length.toInt()
            }
        }
    }

    private fun item(explicit: Boolean, depth: Int) {
        while (true) {
            if (at + 8 > bytes.size) throw damaged(where)
            if (tag() == ITEM_END) {
                at += 8
                return
            }
            element(explicit, depth)
        }
    }

    private fun tag() = (little16(bytes, at) shl 16) or little16(bytes, at + 2)

    private companion object {
        const val DEEPEST = 30
        const val NO_LENGTH = 0xFFFFFFFFL
        const val ITEM = 0xFFFEE000.toInt()
        const val ITEM_END = 0xFFFEE00D.toInt()
        const val SEQUENCE_END = 0xFFFEE0DD.toInt()
    }
}

private val VRS = ("AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR US UT UV")
    .split(' ').toSet()
private val LONG_VRS = "OB OD OF OL OV OW SQ SV UC UN UR UT UV".split(' ').toSet()

/** Whether the two letters at [at] are a kind of value. */
internal fun isKind(bytes: ByteArray, at: Int) = at + 2 <= bytes.size && latin1(bytes, at, 2) in VRS

/**
 * Whether the file begins with elements in little endian, without the usual 128 bytes before them: three that follow each
 * other as they must.
 */
internal fun beginsLikeElements(file: ByteArray): Boolean {
    var at = 0
    var before = -1
    repeat(3) { count ->
        if (at + 8 > minOf(file.size, 4096)) return false
        val group = little16(file, at)
        val tag = group * 65536 + little16(file, at + 2)
        if (tag <= before || (count == 0 && group != 2 && group != 8) || group > 0x18) return false
        at += sizeOf(file, at) ?: return false
        before = tag
    }
    return true
}

/** How many bytes the element takes, or null where it is none of the first ones of a file. */
private fun sizeOf(file: ByteArray, at: Int): Int? {
    val vr = latin1(file, at + 4, 2)
    val (start, length) = when {
        vr in LONG_VRS -> 12 to if (at + 12 <= file.size) little32(file, at + 8) else LONGEST
        vr in VRS -> 8 to little16(file, at + 6).toLong()
        else -> 8 to little32(file, at + 4).let { if (it % 2 == 0L) it else LONGEST }
    }
    return if (length < LONGEST) start + length.toInt() else null
}

private const val LONGEST = 1L shl 16

internal fun damaged(where: String) = HemotkException(Problem.NO_PICTURE, where)

internal fun little16(bytes: ByteArray, at: Int) = byte(bytes, at) or (byte(bytes, at + 1) shl 8)

internal fun little32(bytes: ByteArray, at: Int) = little16(bytes, at) + little16(bytes, at + 2) * 65536L

internal fun latin1(bytes: ByteArray, at: Int, length: Int) = String(bytes, at, length, Charsets.ISO_8859_1)
