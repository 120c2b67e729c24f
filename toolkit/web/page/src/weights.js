// Pillow's antialiased bilinear filter, in the order of operations of its `precompute_coeffs`: the same to the last bit.

/** Bits behind the point: Pillow's 32 - 8 - 2. */
export const PRECISION = 22;
export const HALF = 1 << (PRECISION - 1);

/**
 * Which input positions an output position is made of, and how much of each. Output i reads `starts[i]` and the
 * `sizes[i] - 1` after it; their weights begin at `i * stride` and sum to 1.
 * @typedef {object} Weights
 * @property {number} count
 * @property {Int32Array} starts
 * @property {Int32Array} sizes
 * @property {number} stride
 * @property {Float64Array} values
 */

/**
 * The weights that resample the input range from 0 to `end` to `count` positions.
 * @param {number} available positions of the input
 * @param {number} end
 * @param {number} count
 * @returns {Weights}
 */
export function weightsFor(available, end, count) {
  const scale = end / count;
  const support = Math.max(scale, 1);
  const stride = Math.ceil(support) * 2 + 1;
  const starts = new Int32Array(count);
  const sizes = new Int32Array(count);
  const values = new Float64Array(count * stride);
  const perPixel = 1 / support;
  for (let i = 0; i < count; i++) {
    const center = (i + 0.5) * scale;
    const start = Math.max(Math.trunc(center - support + 0.5), 0);
    const size = Math.min(Math.trunc(center + support + 0.5), available) - start;
    let total = 0;
    for (let x = 0; x < size; x++) {
      const far = Math.abs((x + start - center + 0.5) * perPixel);
      const weight = far < 1 ? 1 - far : 0;
      values[i * stride + x] = weight;
      total += weight;
    }
    if (total !== 0) for (let x = 0; x < size; x++) values[i * stride + x] /= total;
    starts[i] = start;
    sizes[i] = size;
  }
  return { count, starts, sizes, stride, values };
}

/**
 * The weights as integers with `PRECISION` bits behind the point.
 * @param {Weights} weights
 * @returns {Int32Array}
 */
export function fixed(weights) {
  return Int32Array.from(weights.values, (value) => Math.trunc(0.5 + value * (1 << PRECISION)));
}
