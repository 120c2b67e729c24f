package org.hemotk.app

import android.graphics.Bitmap
import org.hemotk.core.Card
import org.hemotk.core.Finding
import org.hemotk.core.Gray
import org.hemotk.core.HemotkException
import org.hemotk.core.Model
import org.hemotk.core.SeriesFinding
import org.hemotk.core.Slice
import org.hemotk.core.heatmap
import org.hemotk.core.inOrder
import org.hemotk.core.seriesFinding
import org.hemotk.core.toPixels
import kotlin.math.max
import kotlin.math.min

/** What the screen shows of a picture or of a series. */
sealed class Shown {
    object Nothing : Shown()

    /** [done] of [total] pictures were looked at; [total] is 0 while a folder is listed. */
    class Working(val done: Int, val total: Int) : Shown()

    class Failed(val error: Throwable) : Shown()

    /** A verdict, with the picture as the network sees it and with its heat map, if there is one. */
    class Seen(val looked: Looked, val card: Card, val plain: Bitmap, val map: Bitmap?) : Shown() {
        val finding get() = looked.finding
    }

    /**
     * The pictures of a series, in its order if they have one, with their verdicts or problems.
     *
     * It has a verdict as [outcome] if all its pictures could be read and are of one series; else [error], or neither
     * where pictures alone failed. [leftOut] counts what else was in the folder. The picture of the place [selected] is [open].
     */
    class Series(
        val items: List<Item>,
        val card: Card,
        val outcome: SeriesFinding?,
        val error: HemotkException?,
        val leftOut: Int = 0,
        val selected: Int? = null,
        val open: Seen? = null,
    ) : Shown() {
        val failed get() = items.count { it.looked == null }

        /** The same without what pictures are called, to be handed on. */
        fun unnamed(): Series {
            val plain = items.map { Item(Slice("", "", null), it.looked, unnamed(it.error)) }
            return Series(plain, card, outcome, unnamed(error) as HemotkException?, leftOut)
        }

        private fun unnamed(error: Throwable?) = if (error is HemotkException) HemotkException(error.problem, "…", error) else error

        fun opened(place: Int, seen: Seen) = Series(items, card, outcome, error, leftOut, place, seen)
    }
}

/** One picture of a series: what was found, or why it was not. */
class Item(val slice: Slice, val looked: Looked?, val error: Throwable?)

/** A finding with the picture's padded square, no larger than it is shown; [corrected] as in `DicomSlice`. */
class Looked(val finding: Finding, val square: Gray, val corrected: Boolean)

// Larger than any phone's screen is wide, in the pictures that CT makes; a series keeps many of them.
internal const val LARGEST_SHOWN = 1024
internal const val LARGEST_IN_SERIES = 512

/** Score what was read. */
internal fun looked(model: Model, read: Read, largest: Int): Looked {
    val gray = read.picture.gray
    val side = min(max(gray.width, gray.height), largest)
    return Looked(model.look(read.picture), Gray(side, side, toPixels(gray, side)), read.corrected)
}

/** The pictures to be shown of it. */
internal fun seen(looked: Looked, card: Card): Shown.Seen {
    val square = looked.square
    val plain = bitmap(square)
    val map = looked.finding.cam?.let { bitmap(heatmap(square, it, card.preprocess.size), square) }
    return Shown.Seen(looked, card, plain, map)
}

/** The series that the pictures make, if they make one. */
internal fun series(items: List<Item>, card: Card, leftOut: Int): Shown.Series {
    if (items.any { it.looked == null }) return Shown.Series(items, card, null, null, leftOut)
    return try {
        val ordered = inOrder(items.map { it.slice }).map { items[it] }
        Shown.Series(ordered, card, card.seriesFinding(ordered.mapNotNull { it.looked?.finding?.probability }), null, leftOut)
    } catch (error: HemotkException) {
        Shown.Series(items, card, null, error, leftOut)
    }
}

/** The square as it is. */
internal fun bitmap(square: Gray): Bitmap = bitmap(IntArray(square.bytes.size) { gray(square.bytes[it]) }, square)

private fun bitmap(argb: IntArray, square: Gray) =
    Bitmap.createBitmap(argb, square.width, square.height, Bitmap.Config.ARGB_8888)

private fun gray(byte: Byte): Int = (byte.toInt() and 255) * 0x010101 or (255 shl 24)
