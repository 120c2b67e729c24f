// The window function LINEAR_EXACT of DICOM in exact fractions, as `hemotk.data.read.dicom.thresholds` has it.

/** @typedef {{n: bigint, d: bigint}} Fraction `n / d`, with `d` above 0 */
/** @typedef {{level: number, width: number}} Window */

const LIMIT = 1n << 40n; // beyond any stored value

/** The number that a double is. @param {number} value @returns {Fraction} */
export function ofDouble(value) {
  let d = 1n;
  while (!Number.isInteger(value)) {
    value *= 2;
    d *= 2n;
  }
  return { n: BigInt(value), d };
}

/**
 * The number that a decimal string says; null where it says none.
 * @param {string} text
 * @returns {Fraction | null}
 */
export function ofDecimal(text) {
  const parts = /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d{1,6}))?$/i.exec(text.trim());
  if (!parts || !(parts[2] || parts[3])) return null;
  const digits = parts[2] + (parts[3] ?? '');
  const power = Number(parts[4] ?? 0) - (parts[3] ?? '').length;
  if (digits.length > 100 || Math.abs(power) > 200) return null;
  const n = BigInt(`${parts[1]}${digits}`.replace('+', ''));
  return power >= 0 ? { n: n * 10n ** BigInt(power), d: 1n } : { n, d: 10n ** BigInt(-power) };
}

/**
 * The place of the first digit of a decimal other than 0: 0 for 1 to 9, -1 for 0.1 to 0.9.
 * @param {Fraction} value not 0
 */
export function magnitude({ n, d }) {
  let m = n < 0n ? -n : n;
  let place = 0;
  for (; m >= 10n * d; d *= 10n) place++;
  for (; m < d; m *= 10n) place--;
  return place;
}

/**
 * The least stored value that becomes 1, 2, … 255.
 * @param {Fraction} slope above 0
 * @param {Fraction} intercept
 * @param {Window} window
 * @returns {Float64Array} 255 whole numbers, not falling
 */
export function thresholds(slope, intercept, window) {
  const level = ofDouble(window.level);
  const width = ofDouble(window.width);
  // ((level - width/2) + width/510 · (2·gray - 1) - intercept) / slope, over the common denominator of all.
  const d = level.d * width.d * 510n * intercept.d;
  const low = level.n * (d / level.d) - (width.n * (d / width.d)) / 2n;
  const step = (width.n * (d / width.d)) / 510n;
  const shift = intercept.n * (d / intercept.d);
  return Float64Array.from({ length: 255 }, (_, i) => {
    const n = (low + step * BigInt(2 * i + 1) - shift) * slope.d;
    return Number(clamp(ceil(n, d * slope.n)));
  });
}

/** @param {bigint} n @param {bigint} d above 0 */
function ceil(n, d) {
  const whole = n / d;
  return n % d > 0n ? whole + 1n : whole;
}

/** @param {bigint} value */
const clamp = (value) => (value > LIMIT ? LIMIT : value < -LIMIT ? -LIMIT : value);

/**
 * Stored values as gray bytes: how many of the thresholds each reaches.
 * @param {Int32Array | Uint16Array | Int16Array | Uint8Array | Int8Array} values
 * @param {Fraction} slope
 * @param {Fraction} intercept
 * @param {Window} window
 * @returns {Uint8Array}
 */
export function through(values, slope, intercept, window) {
  const edges = thresholds(slope, intercept, window);
  /** @type {Map<number, number>} */
  const known = new Map();
  const gray = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    let level = known.get(value);
    if (level === undefined) known.set(value, (level = reached(edges, value)));
    gray[i] = level;
  }
  return gray;
}

/** @param {Float64Array} edges @param {number} value */
function reached(edges, value) {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (edges[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
