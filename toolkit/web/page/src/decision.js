// From a logit to a verdict, as `hemotk.stats.metrics` and `hemotk.data.series` have it.

/** @param {number} x 1 / (1 + exp(-x)) without overflow */
export function sigmoid(x) {
  const small = Math.exp(-Math.abs(x));
  return (x >= 0 ? 1 : small) / (1 + small);
}

/** @typedef {{threshold: number, temperature: number}} Point */

/** @param {number} logit @param {Point} point */
export const probability = (logit, point) => sigmoid(logit / point.temperature);

/**
 * The probability that decisions are made on: that which Python recorded for a stored logit, as `exp` is rounded in
 * another way by other libraries.
 * @param {number} logit
 * @param {Uint8Array} stored
 * @param {Point & {probabilities: readonly number[]}} card
 */
export const decided = (logit, stored, card) => (stored.length === 1 ? card.probabilities[stored[0]] : undefined) ?? probability(logit, card);

/** @param {number} probability @param {number} threshold @returns {0 | 1} 1 where hemorrhage is called */
export const label = (probability, threshold) => (probability >= threshold ? 1 : 0);

/**
 * The mean of the `k` highest probabilities, of all where there are fewer.
 * @param {readonly number[]} probabilities at least one
 * @param {number} k at least 1
 */
export function seriesScore(probabilities, k) {
  const highest = [...probabilities].sort((a, b) => a - b).slice(-k);
  return pairwise(highest) / highest.length;
}

/** @param {readonly number[]} values The sum in the order of numpy's, which adds eight strands. */
function pairwise(values) {
  if (values.length < 8) return values.reduce((sum, value) => sum + value, 0);
  const r = values.slice(0, 8);
  let i = 8;
  for (; i < values.length - (values.length % 8); i += 8) for (let j = 0; j < 8; j++) r[j] += values[i + j];
  let sum = r[0] + r[1] + (r[2] + r[3]) + (r[4] + r[5] + (r[6] + r[7]));
  for (; i < values.length; i++) sum += values[i];
  return sum;
}

/** Indices of the `k` highest, as the strip of `hemotk predict --series` colours them. @param {readonly number[]} values @param {number} k */
export function highest(values, k) {
  const order = values.map((_, index) => index).sort((a, b) => values[a] - values[b] || a - b);
  return new Set(order.slice(-k));
}
