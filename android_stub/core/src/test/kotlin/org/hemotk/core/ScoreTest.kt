package org.hemotk.core

import org.junit.Assert.assertEquals
import org.junit.Test

class ScoreTest {
    @Test
    fun scores_and_percentiles_are_those_of_python() = vectors("scores.bin") {
        repeat(readInt()) {
            val logit = readDouble()
            val temperature = readDouble()
            val decision = Decision(readDouble(), temperature)
            val probability = readDouble()
            // numpy's exp and Java's may differ in the last bit.
            assertEquals(probability, decision.probability(logit), 4e-16)
            assertEquals(if (readBoolean()) 1 else 0, decision.label(logit))
        }
        val samples = List(readInt()) { readLong() }
        for (share in listOf(0.5, 0.9, 0.99)) assertEquals(readDouble(), percentile(samples, share), 1e-6)
        assertEquals(-1, read())
    }

    @Test
    fun the_threshold_itself_is_hemorrhage() {
        assertEquals(1, Decision(0.5, 3.0).label(0.0))
        assertEquals(0, Decision(0.5000001, 3.0).label(0.0))
    }
}
