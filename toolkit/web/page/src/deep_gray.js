// Gray of more than 8 bits, as `hemotk.data.read.deep_gray` makes it.

import { Problem } from './problem.js';
import { through } from './window.js';

const FEW_LEVELS = 16;
const RARE = 0.02;

/**
 * The upper byte; refused where it keeps almost nothing of the picture.
 * @param {Uint16Array} values
 * @returns {Uint8Array}
 */
export function upperByte(values) {
  const counts = new Uint32Array(1 << 16);
  for (let i = 0; i < values.length; i++) counts[values[i]]++;
  const low = quantile(counts, values.length, RARE);
  const high = quantile(counts, values.length, 1 - RARE);
  check(counts, 0, 0xffff);
  check(counts, low, high); // without metal and padding, which may hold many levels
  return Uint8Array.from(values, (value) => value >> 8);
}

/** @param {Uint32Array} counts @param {number} low @param {number} high */
function check(counts, low, high) {
  let levels = 0;
  const kept = new Set();
  for (let value = 0; value < counts.length; value++) {
    if (!counts[value] || value < low || value > high) continue;
    levels++;
    kept.add(value >> 8);
  }
  if (kept.size > FEW_LEVELS || levels <= 2 * kept.size) return;
  throw new Problem('few_levels', { levels, kept: kept.size });
}

/**
 * The value that a share of the samples lie below, interpolated as numpy's quantile does.
 * @param {Uint32Array} counts how often each value is there
 * @param {number} total
 * @param {number} share
 */
function quantile(counts, total, share) {
  const at = (total - 1) * share;
  const first = Math.floor(at);
  const [a, b] = [nth(counts, first), nth(counts, Math.min(first + 1, total - 1))];
  return lerp(a, b, at - first);
}

/** numpy's `_lerp`. @param {number} a @param {number} b @param {number} t */
export const lerp = (a, b, t) => (t >= 0.5 ? b - (b - a) * (1 - t) : a + (b - a) * t);

/** @param {Uint32Array} counts @param {number} index */
function nth(counts, index) {
  let below = 0;
  for (let value = 0; value < counts.length; value++) {
    below += counts[value];
    if (below > index) return value;
  }
  return counts.length - 1;
}

/**
 * Hounsfield units plus `offset`, seen through the window.
 * @param {Uint16Array} values
 * @param {import('./window.js').Window} window
 * @param {number} offset
 */
export const hounsfield = (values, window, offset) => through(values, { n: 1n, d: 1n }, { n: BigInt(-offset), d: 1n }, window);
