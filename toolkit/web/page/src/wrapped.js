// Negative Hounsfield units that wrapped to large values, put right as `hemotk.data.read.wrapped` does.

const BITS = 12;
const FULL = 1 << BITS;
const HALF = FULL >> 1;
const DENSEST = 2900; // of what is still taken for metal, where no padding lies below
const SPIKE = 0.02; // share of the pixels that metal does not reach
const LEAST_INTERCEPT = -100; // with a lower one, negative values of 12 bits were not needed
const NO_METAL = 3900; // Hounsfield units from which on more than a spike of the pixels is no metal

/**
 * Whether the header says values without sign whose upper half is needed for no Hounsfield units.
 * @param {{bits: number, signed: boolean}} facts
 * @param {number} slope
 * @param {number} intercept
 */
export function mayBeWrapped({ bits, signed }, slope, intercept) {
  if (signed || bits < BITS) return false;
  return bits === BITS ? intercept > LEAST_INTERCEPT : slope * 2 ** (bits - 1) + intercept >= NO_METAL;
}

/**
 * Whether negative values of `bits` unsigned bits wrapped.
 * @param {Int32Array} stored
 * @param {number} bits
 * @param {Uint8Array | null} padding 1 where the header calls a pixel padding
 */
export function isWrapped(stored, bits, padding) {
  if (bits > BITS) {
    const half = 2 ** (bits - 1);
    return stored.reduce((count, value, i) => count + Number(value >= half && !padding?.[i]), 0) > SPIKE * stored.length;
  }
  const counts = histogram(stored);
  let commonest = 0;
  let dense = 0;
  counts.forEach((count, value) => {
    if (count > counts[commonest]) commonest = value;
    if (value >= DENSEST) dense += count;
  });
  return commonest >= HALF || dense > SPIKE * stored.length;
}

/** The values of `bits` bits with their sign again. @param {Int32Array} stored @param {number} bits */
export function unwrapped(stored, bits) {
  if (bits > BITS) return stored.map((value) => (value >= 2 ** (bits - 1) ? value - 2 ** bits : value));
  const most = Math.max(...histogram(stored).subarray(HALF, DENSEST));
  const border = most > SPIKE * stored.length ? HALF : DENSEST;
  return stored.map((value) => (value >= border ? value - FULL : value));
}

/** @param {Int32Array} stored */
function histogram(stored) {
  const counts = new Uint32Array(FULL);
  for (let i = 0; i < stored.length; i++) counts[stored[i]]++;
  return counts;
}
