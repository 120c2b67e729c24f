package org.hemotk.core

import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import java.io.File

class SeriesTest {
    private val said = Json.parse(File(System.getProperty("hemotk.work"), "vectors/series.json").readText()) as Map<*, *>

    @Suppress("UNCHECKED_CAST")
    private fun <T> list(name: String) = said[name] as List<T>

    private fun named(names: List<String>) = names.map { Slice(it, it, null) }

    @Test
    fun pictures_without_a_header_go_by_their_names_as_python_orders_them() {
        val names = list<String>("names")
        assertEquals(list<String>("ordered"), inOrder(named(names)).map { names[it] })
    }

    @Test
    fun slices_lie_where_python_puts_them_or_are_refused_for_the_same_reason() = vectors("series.bin") {
        repeat(readInt()) { number ->
            val slices = List(readInt()) {
                val name = readUTF()
                val file = bytes(readInt())
                Slice(name, name, if (isDicom(file)) decodeDicom(file, Window(40.0, 80.0), name).header else null)
            }
            val problem = readUTF()
            if (problem.isEmpty()) {
                assertEquals("series $number", List(slices.size) { readInt() }, inOrder(slices))
            } else {
                val error = assertThrows("series $number", HemotkException::class.java) { inOrder(slices) }
                assertEquals("series $number", problem, error.problem.name)
            }
        }
        assertEquals(-1, read())
    }

    private fun card(k: Int?, threshold: Double = 0.5): Card {
        val rule = if (k == null) "null" else """{"k": $k, "threshold": $threshold}"""
        return Bundle(MemoryFolder(bundleFiles { it.replace(""""threshold": 0.5, """, """"threshold": 0.25, "study": $rule, """) })).card
    }

    @Test
    fun a_series_has_the_score_that_python_gives_it_to_the_last_bit() {
        for (one in list<Map<String, Any?>>("scores")) {
            @Suppress("UNCHECKED_CAST")
            val values = one["values"] as List<Double>
            val k = (one["k"] as Long).toInt()
            val found = card(k).seriesFinding(values)
            assertEquals("$k of ${values.size}", one["score"] as Double, found.probability, 0.0)
            assertEquals(minOf(k, values.size), found.k)
            assertEquals(values.sorted().takeLast(k), found.highest.map { values[it] }.sorted())
        }
    }

    @Test
    fun the_verdict_is_held_against_the_threshold_of_the_series() {
        for ((threshold, verdict) in listOf(0.5 to "hemorrhage", 0.51 to "normal")) {
            val found = card(2, threshold).seriesFinding(listOf(0.1, 0.75, 0.25))
            assertEquals(0.5, found.probability, 0.0)
            assertEquals(verdict to setOf(1, 2), found.verdict to found.highest)
            assertEquals(false, found.rule.assumed)
        }
    }

    @Test
    fun without_a_rule_the_three_highest_and_the_threshold_for_slices_serve_and_it_is_said() {
        for (card in listOf(card(null), Bundle(MemoryFolder(bundleFiles())).card)) {
            val rule = card.seriesRule()
            assertEquals(Triple(3, card.decision.threshold, true), Triple(rule.k, rule.threshold, rule.assumed))
        }
    }

    @Test
    fun a_rule_that_is_none_is_refused() {
        for ((k, threshold) in listOf(0 to 0.5, 1 to 0.0, 1 to 1.0)) {
            assertEquals(Problem.UNREADABLE_CARD, assertThrows(HemotkException::class.java) { card(k, threshold) }.problem)
        }
    }

    @Test
    fun the_same_picture_twice_is_refused() {
        val error = assertThrows(HemotkException::class.java) { inOrder(named(listOf("a", "b", "a"))) }
        assertEquals(Problem.SERIES_TWICE to "a", error.problem to error.where)
        assertTrue(inOrder(named(listOf("only"))) == listOf(0))
    }
}
