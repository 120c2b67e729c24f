package org.hemotk.core

import kotlin.math.abs
import kotlin.math.exp

/** How a logit becomes a verdict: a probability of [threshold] or more, at [temperature], is class 1. */
class Decision(val threshold: Double, val temperature: Double) {
    /** The probability that decisions are made on: sigmoid(logit / temperature), 0 to 1. */
    fun probability(logit: Double) = sigmoid(logit / temperature)

    /** 1 where hemorrhage is called, else 0. */
    fun label(logit: Double) = if (probability(logit) >= threshold) 1 else 0
}

/** 1 / (1 + exp(−x)) without overflow. */
fun sigmoid(x: Double): Double {
    val small = exp(-abs(x))
    return (if (x >= 0) 1.0 else small) / (1.0 + small)
}
