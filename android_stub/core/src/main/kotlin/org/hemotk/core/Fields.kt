package org.hemotk.core

/** The fields of a JSON object, taken by name and type; what does not fit names its field. */
internal class Fields(private val where: String, private val values: Map<*, *>) {
    /** Whether there is such a field with a value in it. */
    fun has(name: String) = get(name) != null

    fun text(name: String) = get(name) as? String ?: throw wrong(name)

    fun number(name: String) = (get(name) as? Number)?.toDouble() ?: throw wrong(name)

    fun int(name: String): Int {
        val value = get(name) as? Long ?: throw wrong(name)
        return if (value in Int.MIN_VALUE..Int.MAX_VALUE) value.toInt() else throw wrong(name)
    }

    fun list(name: String) = get(name) as? List<*> ?: throw wrong(name)

    fun fields(name: String) = Fields("$where: $name", get(name) as? Map<*, *> ?: throw wrong(name))

    fun each(name: String) = list(name).map { Fields("$where: $name", it as? Map<*, *> ?: throw wrong(name)) }

    fun texts(name: String) = list(name).map { it as? String ?: throw wrong(name) }

    fun numbers(name: String) = list(name).map { (it as? Number)?.toDouble() ?: throw wrong(name) }

    fun textMap(): Map<String, String> =
        values.entries.associate { (key, value) -> key as String to (value as? String ?: throw wrong(key)) }

    /** Refuse the file where a rule on field [name] does not hold. */
    fun check(holds: Boolean, name: String) {
        if (!holds) throw wrong(name)
    }

    private fun get(name: String) = values[name]

    private fun wrong(name: String) = HemotkException(Problem.UNREADABLE_CARD, "$where: $name")

    companion object {
        /** The object in [text], which must be of that [schema]. */
        fun parse(file: String, text: String, schema: String): Fields {
            val value = try {
                Json.parse(text)
            } catch (error: JsonException) {
                throw HemotkException(Problem.UNREADABLE_CARD, file, error)
            }
            val fields = Fields(file, value as? Map<*, *> ?: throw HemotkException(Problem.UNREADABLE_CARD, file))
            fields.check(fields.values["schema"] == schema, "schema")
            return fields
        }
    }
}
