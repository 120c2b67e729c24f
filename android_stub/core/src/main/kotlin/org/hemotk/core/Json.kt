package org.hemotk.core

/** Not JSON; [message] says what and where. */
class JsonException(message: String) : Exception(message)

/**
 * JSON by RFC 8259 without a library: objects are `Map<String, Any?>`, arrays `List<Any?>`, numbers `Long` where they
 * have no fraction and no exponent and fit, else `Double`. A key that stands twice is refused.
 */
object Json {
    /** Read [text], which holds one value and nothing after it. */
    fun parse(text: String): Any? {
        val reader = JsonReader(text)
        val value = reader.value(0)
        reader.end()
        return value
    }

    /** Write maps, lists, strings, numbers, booleans and null. */
    fun write(value: Any?): String = StringBuilder().also { append(it, value) }.toString()

    private fun append(out: StringBuilder, value: Any?) {
        when (value) {
            null, is Boolean, is Int, is Long -> out.append(value)
            is Double -> out.append(value.also { require(it.isFinite()) { "$it has no place in JSON" } })
            is String -> quote(out, value)
            is List<*> -> join(out, '[', value, ']') { append(out, it) }
            is Map<*, *> -> join(out, '{', value.entries, '}') { (key, item) ->
                quote(out, key as String)
                out.append(':')
                append(out, item)
            }
            else -> throw IllegalArgumentException("${value.javaClass.name} has no place in JSON")
        }
    }

    private fun <T> join(out: StringBuilder, open: Char, items: Collection<T>, close: Char, each: (T) -> Unit) {
        out.append(open)
        var first = true
        for (item in items) {
            if (!first) out.append(',')
            first = false
            each(item)
        }
        out.append(close)
    }

    private fun quote(out: StringBuilder, text: String) {
        out.append('"')
        for (char in text) {
            when {
                char == '"' || char == '\\' -> out.append('\\').append(char)
                char < ' ' -> out.append("\\u00").append("0123456789abcdef"[char.code shr 4]).append("0123456789abcdef"[char.code and 15])
                else -> out.append(char)
            }
        }
        out.append('"')
    }
}

private class JsonReader(private val text: String) {
    private var at = 0

    fun value(depth: Int): Any? {
        if (depth > DEEPEST) throw wrong("nesting too deep")
        space()
        return when (peek()) {
            '{' -> objectAt(depth)
            '[' -> arrayAt(depth)
            '"' -> string()
            't' -> word("true", true)
            'f' -> word("false", false)
            'n' -> word("null", null)
            else -> number()
        }
    }

    fun end() {
        space()
        if (at < text.length) throw wrong("more after the end")
    }

    private fun objectAt(depth: Int): Map<String, Any?> {
        val found = LinkedHashMap<String, Any?>()
        items('}') {
            space()
            val key = string()
            space()
            take(':')
            if (key in found) throw wrong("'$key' twice")
            found[key] = value(depth + 1)
        }
        return found
    }

    private fun arrayAt(depth: Int): List<Any?> {
        val found = ArrayList<Any?>()
        items(']') { found.add(value(depth + 1)) }
        return found
    }

    private fun items(close: Char, item: () -> Unit) {
        at++
        space()
        if (peek() == close) {
            at++
            return
        }
        while (true) {
            item()
            space()
            if (peek() == close) break
            take(',')
        }
        at++
    }

    private fun string(): String {
        take('"')
        val found = StringBuilder()
        while (true) {
            val char = next()
            when {
                char == '"' -> return found.toString()
                char == '\\' -> found.append(escaped())
                char < ' ' -> throw wrong("a control character")
                else -> found.append(char)
            }
        }
    }

    private fun escaped(): Char = when (val char = next()) {
        '"', '\\', '/' -> char
        'b' -> '\b'
        'f' -> '\u000c'
        'n' -> '\n'
        'r' -> '\r'
        't' -> '\t'
        'u' -> {
            val digits = (1..4).map { Character.digit(next(), 16) }
            if (digits.any { it < 0 }) throw wrong("no four hexadecimal digits")
            digits.fold(0) { sum, digit -> sum * 16 + digit }.toChar()
        }
        else -> throw wrong("an unknown escape")
    }

    private fun number(): Number {
        val found = NUMBER.find(text, at)?.takeIf { it.range.first == at } ?: throw wrong("no value")
        at = found.range.last + 1
        val whole = found.groupValues[1].isEmpty() && found.groupValues[2].isEmpty()
        val number = (if (whole) found.value.toLongOrNull() else null) ?: found.value.toDouble()
        if (number is Double && !number.isFinite()) throw wrong("a number that is too large")
        return number
    }

    private fun word(word: String, value: Boolean?): Boolean? {
        if (!text.startsWith(word, at)) throw wrong("no value")
        at += word.length
        return value
    }

    private fun space() {
        while (at < text.length && text[at] in " \t\n\r") at++
    }

    private fun peek() = if (at < text.length) text[at] else throw wrong("cut short")

    private fun next() = peek().also { at++ }

    private fun take(char: Char) {
        if (next() != char) throw wrong("no '$char'")
    }

    private fun wrong(what: String) = JsonException("$what at character $at")

    private companion object {
        const val DEEPEST = 100
        val NUMBER = Regex("-?(?:0|[1-9][0-9]*)(\\.[0-9]+)?([eE][-+]?[0-9]+)?")
    }
}
