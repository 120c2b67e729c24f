// The slices of a series in their order, as `hemotk.data.series` has it.

import { Problem } from './problem.js';

const SAME_ORIENTATION = 1e-3;

/** @typedef {{name: string, key: string, header: import('./dicom.js').SliceHeader | null}} Slice `key` tells files apart */

/**
 * The slices from one end to the other.
 * @template {Slice} T
 * @param {readonly T[]} slices
 * @returns {T[]}
 */
export function inOrder(slices) {
  const named = [...slices].sort((a, b) => natural(a.name, b.name));
  const headers = named.flatMap(({ header }) => (header ? [header] : []));
  if (!headers.length) {
    checkOnce(named, named.map(({ key }) => key));
    return named;
  }
  if (headers.length < named.length) throw new Problem('mixed');
  for (const field of /** @type {const} */ (['patient', 'study', 'series'])) {
    if (new Set(headers.map((header) => header[field])).size > 1) throw new Problem('several');
  }
  checkOnce(named, named.map(({ key, header }) => header?.instance || key));
  const places = placesOf(headers);
  if (!places) return named;
  const order = named.map((_, index) => index).sort((a, b) => places[a] - places[b] || a - b);
  return order.map((index) => named[index]);
}

/** @param {readonly Slice[]} slices @param {readonly string[]} keys */
function checkOnce(slices, keys) {
  /** @type {Map<string, string>} */
  const first = new Map();
  slices.forEach(({ name }, index) => {
    const other = first.get(keys[index]);
    if (other !== undefined) throw new Problem('twice', { name, other });
    first.set(keys[index], name);
  });
}

/** @param {readonly import('./dicom.js').SliceHeader[]} headers @returns {number[] | null} */
function placesOf(headers) {
  for (const values of [heights(headers), headers.map(({ number }) => number)]) {
    if (!values || values.includes(null) || new Set(values).size < values.length) continue;
    return /** @type {number[]} */ (values);
  }
  return null;
}

/** The positions along the normal of the common plane, in mm. @param {readonly import('./dicom.js').SliceHeader[]} headers */
function heights(headers) {
  const [a] = headers.map(({ orientation }) => orientation);
  if (!a || headers.some(({ position, orientation }) => !position || !orientation || differ(orientation, a))) return null;
  const normal = [a[1] * a[5] - a[2] * a[4], a[2] * a[3] - a[0] * a[5], a[0] * a[4] - a[1] * a[3]];
  return headers.map(({ position }) => {
    const [x, y, z] = /** @type {number[]} */ (position);
    return Math.round((x * normal[0] + y * normal[1] + z * normal[2]) * 1000) / 1000;
  });
}

/** @param {readonly number[]} a @param {readonly number[]} b */
const differ = (a, b) => a.some((value, i) => Math.abs(value - b[i]) > SAME_ORIENTATION);

/** 's10' after 's9': digits by their value, anything else as text. @param {string} a @param {string} b */
export function natural(a, b) {
  const [as, bs] = [a.split(/(\d+)/), b.split(/(\d+)/)];
  for (let i = 0; i < Math.min(as.length, bs.length); i++) {
    if (i % 2 && Number(as[i]) !== Number(bs[i])) return Number(as[i]) - Number(bs[i]);
    if (as[i] !== bs[i]) return as[i] < bs[i] ? -1 : 1;
  }
  return as.length - bs.length;
}
