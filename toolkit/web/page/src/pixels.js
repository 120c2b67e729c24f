// The pixel contract of docs/pixels.md, bit for bit what `hemotk.data.read.preprocess` gives.

import { Problem } from './problem.js';
import { HALF, PRECISION, fixed, weightsFor } from './weights.js';

export const MAX_PIXELS = 40_000_000;
export const MAX_SIDE = 12_000;
export const MIN_SIDE = 16;

/** @typedef {{width: number, height: number, bytes: Uint8Array}} Gray a gray picture, row by row, 0 black to 255 white */
/** @typedef {{width: number, height: number, bytes: Uint8Array}} Colours red, green, blue of each pixel, row by row */

/**
 * Refuse what Python refuses: over 40 megapixels, a side over 12,000 or under 16 pixels.
 * @param {number} width
 * @param {number} height
 */
export function checkSize(width, height) {
  if (width * height > MAX_PIXELS || Math.max(width, height) > MAX_SIDE) throw new Problem('too_large');
  if (Math.min(width, height) < MIN_SIDE) throw new Problem('too_small', { width, height });
}

/**
 * ITU-R 601-2 gray in integers.
 * @param {number} red
 * @param {number} green
 * @param {number} blue
 */
export const grayOf = (red, green, blue) => (red * 19595 + green * 38470 + blue * 7471 + 32768) >> 16;

/** `(c * a + 127) // 255` for each opacity a and colour c, at `a << 8 | c`. @type {Uint8Array | undefined} */
let overBlackTable;

function overBlack() {
  if (overBlackTable) return overBlackTable;
  overBlackTable = new Uint8Array(1 << 16);
  for (let a = 0; a < 256; a++) for (let c = 0; c < 256; c++) overBlackTable[(a << 8) | c] = Math.floor((c * a + 127) / 255);
  return overBlackTable;
}

/**
 * Gray of colours that are seen through, laid over black.
 * @param {Uint8Array | Uint8ClampedArray} rgba red, green, blue, opacity of each pixel
 * @param {Uint8Array} gray filled, one byte a pixel
 * @returns {{shown: boolean, coloured: boolean}} whether anything is not wholly transparent, and not wholly black
 */
export function grayOverBlack(rgba, gray) {
  const table = overBlack();
  let alphas = 0;
  let colours = 0;
  for (let i = 0, at = 0; i < gray.length; i++, at += 4) {
    const alpha = rgba[at + 3];
    const row = alpha << 8;
    alphas |= alpha;
    colours |= rgba[at] | rgba[at + 1] | rgba[at + 2];
    gray[i] = grayOf(table[row | rgba[at]], table[row | rgba[at + 1]], table[row | rgba[at + 2]]);
  }
  return { shown: alphas !== 0, coloured: colours !== 0 };
}

// Where the first stored pixel is seen, by EXIF orientation.
const RIGHT = new Set([2, 3, 6, 7]);
const BELOW = new Set([3, 4, 7, 8]);

/**
 * The picture as EXIF `orientation` wants it seen: 1 to 8; any other value changes nothing.
 * @template {{width: number, height: number, bytes: Uint8Array}} T
 * @param {T} picture
 * @param {number} orientation
 * @param {number} channels bytes of a pixel
 * @returns {T | {width: number, height: number, bytes: Uint8Array}}
 */
export function oriented(picture, orientation, channels) {
  if (!(orientation >= 2 && orientation <= 8)) return picture;
  const { width, height, bytes } = picture;
  const turned = orientation >= 5;
  const [w, h] = turned ? [height, width] : [width, height];
  const mirrorX = RIGHT.has(orientation);
  const mirrorY = BELOW.has(orientation);
  const seen = new Uint8Array(bytes.length);
  for (let y = 0, to = 0; y < h; y++) {
    const atY = mirrorY ? h - 1 - y : y;
    for (let x = 0; x < w; x++) {
      const atX = mirrorX ? w - 1 - x : x;
      const from = (turned ? atX * width + atY : atY * width + atX) * channels;
      for (let c = 0; c < channels; c++) seen[to++] = bytes[from + c];
    }
  }
  return { width: w, height: h, bytes: seen };
}

/**
 * The bytes that the network sees: `gray` padded with black to a square and resized to `size`, row by row.
 * The padding is never stored: it is black, and so adds nothing to a sum.
 * @param {Gray} gray
 * @param {number} size
 * @returns {Uint8Array}
 */
export function toPixels(gray, size) {
  const side = Math.max(gray.width, gray.height);
  if (side === size) return padded(gray, size);
  return resized(gray, size, size, 1, side, side);
}

/** @param {number} length @param {number} side The odd pixel of padding goes right and below. */
const before = (length, side) => (side - length) >> 1;

/** @param {Gray} gray @param {number} side */
function padded(gray, side) {
  const square = new Uint8Array(side * side);
  const left = before(gray.width, side);
  const top = before(gray.height, side);
  for (let y = 0; y < gray.height; y++) {
    square.set(gray.bytes.subarray(y * gray.width, (y + 1) * gray.width), (top + y) * side + left);
  }
  return square;
}

/**
 * Pillow's 8-bit bilinear resize: horizontally first, then vertically, rounded to a byte after each.
 * @param {{width: number, height: number, bytes: Uint8Array}} picture
 * @param {number} width
 * @param {number} height
 * @param {number} channels bytes of a pixel
 * @param {number} [across] the width that the picture is padded to with black, its own by default
 * @param {number} [down] the height
 * @returns {Uint8Array}
 */
export function resized(picture, width, height, channels, across = picture.width, down = picture.height) {
  const rows = horizontal(picture, axis(across, width, picture.width), channels);
  return vertical(rows, axis(down, height, picture.height), width * channels);
}

/**
 * @typedef {object} Axis for each output: the first position that it reads, how many, and where their weights lie
 * @property {number} count
 * @property {Int32Array} from
 * @property {Int32Array} sizes
 * @property {Int32Array} weight
 * @property {Int32Array} fixed
 */

/** @param {number} side @param {number} count @param {number} length @returns {Axis} */
function axis(side, count, length) {
  const weights = weightsFor(side, side, count);
  const shift = before(length, side);
  const from = new Int32Array(count);
  const sizes = new Int32Array(count);
  const weight = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    from[i] = Math.max(weights.starts[i] - shift, 0);
    sizes[i] = Math.min(weights.starts[i] + weights.sizes[i] - shift, length) - from[i];
    weight[i] = i * weights.stride + from[i] + shift - weights.starts[i];
  }
  return { count, from, sizes, weight, fixed: fixed(weights) };
}

/** @param {{width: number, height: number, bytes: Uint8Array}} picture @param {Axis} axis @param {number} channels */
function horizontal({ width, height, bytes }, axis, channels) {
  const { count, from, sizes, weight, fixed } = axis;
  const rows = new Uint8Array(height * count * channels);
  for (let y = 0, to = 0; y < height; y++) {
    for (let i = 0; i < count; i++) {
      for (let c = 0; c < channels; c++) {
        let sum = HALF;
        let at = (y * width + from[i]) * channels + c;
        for (let k = 0; k < sizes[i]; k++, at += channels) sum += bytes[at] * fixed[weight[i] + k];
        rows[to++] = toByte(sum);
      }
    }
  }
  return rows;
}

/** @param {Uint8Array} rows @param {Axis} axis @param {number} across bytes of a row */
function vertical(rows, axis, across) {
  const { count, from, sizes, weight, fixed } = axis;
  const pixels = new Uint8Array(count * across);
  for (let i = 0; i < count; i++) {
    for (let x = 0; x < across; x++) {
      let sum = HALF;
      let at = from[i] * across + x;
      for (let k = 0; k < sizes[i]; k++, at += across) sum += rows[at] * fixed[weight[i] + k];
      pixels[i * across + x] = toByte(sum);
    }
  }
  return pixels;
}

/** @param {number} sum Weights are never negative and sum to 1 and a rounding: only the upper end can be passed. */
const toByte = (sum) => Math.min(sum >> PRECISION, 255);
