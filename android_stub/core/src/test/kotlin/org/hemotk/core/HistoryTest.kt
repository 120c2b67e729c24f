package org.hemotk.core

import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Test

class HistoryTest {
    private fun entry(id: String) = HistoryEntry(id, "2026-01-01T00:00:00+00:00", 24, "hemorrhage", 0.75, 0.5, "first", "0".repeat(64))

    @Test
    fun what_is_written_is_read_again() {
        val history = History(listOf(entry("b"), entry("a").copy(slices = 1, probability = 0.1)))
        assertEquals(history.entries, History.parse(history.write(), "history.json").entries)
    }

    @Test
    fun the_latest_comes_first_and_the_oldest_make_room() {
        var history = History(emptyList())
        repeat(History.MOST) { history = history.plus(entry("%x".format(it))).first }
        val (more, gone) = history.plus(entry("ffff"))
        assertEquals(History.MOST, more.entries.size)
        assertEquals("ffff" to "1", more.entries.first().id to more.entries.last().id)
        assertEquals(listOf("0"), gone.map { it.id })
    }

    @Test
    fun what_is_no_history_is_refused() {
        val good = History(listOf(entry("a"))).write()
        val wrong = listOf("", "{}", good.dropLast(9), good.replace("history/1", "history/2"), good.replace("\"a\"", "\"../a\""), good.replace("24", "\"24\""))
        for (text in wrong) assertThrows(text, HemotkException::class.java) { History.parse(text, "history.json") }
    }
}
