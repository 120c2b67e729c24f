package org.hemotk.core

import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test

class JsonTest {
    @Test
    fun every_kind_of_value_is_read() {
        val text = """ {"a": [1, -2.5e1, true, false, null], "b": {"c": "d\n\u00e9\ud83d\ude00\"\\\/"}, "e": [], "f": {}} """
        val expected = mapOf(
            "a" to listOf(1L, -25.0, true, false, null),
            "b" to mapOf("c" to "d\né\uD83D\uDE00\"\\/"),
            "e" to emptyList<Any>(),
            "f" to emptyMap<String, Any>(),
        )
        assertEquals(expected, Json.parse(text))
    }

    @Test
    fun what_is_written_is_read_again() {
        val value = mapOf(
            "text" to "quote \" slash \\ line \n bell \u0007 é",
            "numbers" to listOf(0L, -1L, Long.MAX_VALUE, 0.1, 1e-300, -2.0),
            "rest" to listOf(null, true, mapOf("deep" to emptyList<Any>())),
        )
        assertEquals(value, Json.parse(Json.write(value)))
    }

    @Test
    fun anything_else_is_refused() {
        val broken = listOf(
            "", " ", "{", "[1,]", "[1", "{\"a\" 1}", "{\"a\":1,}", "{a:1}", "{\"a\":1,\"a\":2}", "01", "+1", "1.", ".5", "1e",
            "tru", "nul", "NaN", "'a'", "\"a", "\"\\x\"", "\"\\u12g4\"", "\"a\nb\"", "1 2", "[1]]", "1e999", "[".repeat(5000),
        )
        for (text in broken) {
            val error = assertThrows(text, JsonException::class.java) { Json.parse(text) }
            assertTrue(error.message, error.message!!.contains("at character"))
        }
    }

    @Test
    fun no_infinity_is_written() {
        assertThrows(IllegalArgumentException::class.java) { Json.write(Double.POSITIVE_INFINITY) }
    }
}
