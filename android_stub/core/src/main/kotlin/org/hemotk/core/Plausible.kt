package org.hemotk.core

import kotlin.math.PI
import kotlin.math.abs
import kotlin.math.cos
import kotlin.math.floor
import kotlin.math.max
import kotlin.math.min
import kotlin.math.sin

/** Why a picture may be no head CT slice: a hint to people, never a refusal. */
enum class Doubt { CONTRAST, COLOUR, NARROW, CORNERS, NO_SKULL }

private const val SIDE = 128
private const val DIRECTIONS = 96
private const val DARK = 0.16 // shares of the picture's white
private const val BONE = 0.72
private const val COLOURED = 40 // how far apart a pixel's channels are

/**
 * What `hemotk.data.read.plausible` measures of a picture, with its limits.
 *
 * All but [contrast], in gray levels, and [aspect] are shares: of strong colour, of the second brightest corner against
 * white, of directions in which bright bone is the last thing before the dark, and of what is dark inside that bone.
 */
class Looks(
    val coloured: Double,
    val corner: Double,
    val contrast: Double,
    val aspect: Double,
    val outline: Double,
    val hollow: Double,
) {
    /** The reasons; none where nothing speaks against a slice. */
    fun doubts(): List<Doubt> {
        if (contrast < 100) return listOf(Doubt.CONTRAST) // the other limits mean nothing then
        return listOfNotNull(
            Doubt.COLOUR.takeIf { coloured > 0.1 },
            Doubt.NARROW.takeIf { aspect > 2.0 },
            Doubt.CORNERS.takeIf { corner > 0.4 },
            Doubt.NO_SKULL.takeIf { outline < 0.4 || outline - hollow < 0.15 },
        )
    }

    companion object {
        fun of(picture: Picture): Looks {
            val small = small(picture.gray)
            val sorted = small.bytes.map { it.toInt() and 255 }.sorted()
            val black = share(sorted, 0.01)
            val white = share(sorted, 0.995)
            val field = Field(small, max(white, 1.0))
            val (outline, hollow) = skull(field)
            val sides = listOf(picture.gray.width, picture.gray.height)
            val aspect = sides.max().toDouble() / sides.min()
            return Looks(coloured(picture, field), corner(field), white - black, aspect, outline, hollow)
        }
    }
}

/** A small picture's levels as shares of its white. */
private class Field(small: Gray, white: Double) {
    val width = small.width
    val height = small.height
    private val values = DoubleArray(small.bytes.size) { byte(small.bytes, it) / white }

    operator fun get(x: Int, y: Int) = values[y * width + x]

    operator fun get(index: Int) = values[index]

    val indices get() = values.indices
}

/** The picture with 128 pixels on its longer side. */
private fun small(gray: Gray): Gray {
    val scale = SIDE.toDouble() / max(gray.width, gray.height)
    val (width, height) = listOf(gray.width, gray.height).map { max(Math.rint(it * scale).toInt(), 2) }
    return resized(gray, width, height)
}

private fun share(sorted: List<Int>, share: Double): Double {
    val at = share * (sorted.size - 1)
    val low = floor(at).toInt()
    return interpolated(sorted[low].toDouble(), sorted[min(low + 1, sorted.size - 1)].toDouble(), at - low)
}

private fun coloured(picture: Picture, field: Field): Double {
    if (picture.colours == null) return 0.0
    val channels = List(3) { small(picture.channel(it)).bytes }
    val bright = field.indices.filter { field[it] > DARK }
    val strong = bright.count { at ->
        val levels = channels.map { byte(it, at) }
        levels.max() - levels.min() > COLOURED
    }
    return if (bright.isEmpty()) 0.0 else strong.toDouble() / bright.size
}

/** The second brightest corner, as one may hold letters: the median of its pixels. */
private fun corner(field: Field): Double {
    val side = max(min(field.width, field.height) / 10, 1)
    val rows = listOf(0 until side, field.height - side until field.height)
    val columns = listOf(0 until side, field.width - side until field.width)
    val medians = rows.flatMap { ys -> columns.map { xs -> median(ys.flatMap { y -> xs.map { x -> field[x, y] } }) } }
    return medians.sorted()[2]
}

private fun median(values: List<Double>): Double {
    val sorted = values.sorted()
    val half = sorted.size / 2
    return if (sorted.size % 2 == 1) sorted[half] else (sorted[half - 1] + sorted[half]) / 2
}

/** The outline's share and the hollow one, from rays that leave the middle of what is not dark. */
private fun skull(field: Field): Pair<Double, Double> {
    val rays = rays(field)
    val last = rays.map { ray -> max(ray.indexOfLast { it >= BONE }, 0) }
    val closed = rays.indices.count { at ->
        val near = median((-4..4).map { last[(at + it + DIRECTIONS) % DIRECTIONS].toDouble() })
        val even = abs(last[at] - near) <= max(4.0, 0.1 * near)
        val beyond = (last[at] + 1 until SIDE).count { rays[at][it] > DARK } <= SIDE / 6
        even && beyond && last[at] >= SIDE / 12
    }
    val inside = rays.indices.flatMap { at -> (0 until SIDE).filter { it < 0.8 * last[at] }.map { rays[at][it] } }
    val hollow = if (inside.isEmpty()) 1.0 else inside.count { it <= DARK }.toDouble() / inside.size
    return closed.toDouble() / DIRECTIONS to hollow
}

/** The values along rays in all directions, from the centre on; 0 outside the picture. */
private fun rays(field: Field): List<DoubleArray> {
    val seen = field.indices.filter { field[it] > DARK }
    val centreX = if (seen.isEmpty()) 0.0 else median(seen.map { (it % field.width).toDouble() })
    val centreY = if (seen.isEmpty()) 0.0 else median(seen.map { (it / field.width).toDouble() })
    return List(DIRECTIONS) { direction ->
        val angle = direction * (2 * PI / DIRECTIONS)
        DoubleArray(SIDE) { along ->
            val y = Math.rint(centreY + along * sin(angle)).toInt()
            val x = Math.rint(centreX + along * cos(angle)).toInt()
            if (x in 0 until field.width && y in 0 until field.height) field[x, y] else 0.0
        }
    }
}
