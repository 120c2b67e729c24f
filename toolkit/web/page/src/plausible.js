// Does a picture look like a head CT slice? The measurements and limits of `hemotk.data.read.plausible`.

import { lerp } from './deep_gray.js';
import { nearest } from './heatmap.js';
import { resized } from './pixels.js';

const SIDE = 128;
const DIRECTIONS = 96;
const [DARK, BONE] = [0.16, 0.72]; // shares of the picture's white
const COLOURED = 40; // how far apart a pixel's channels are

/** @typedef {'contrast' | 'colour' | 'aspect' | 'corners' | 'skull'} Doubt */
/** @typedef {{coloured: number, corner: number, contrast: number, aspect: number, outline: number, hollow: number}} Measures */
/** @typedef {{width: number, height: number, shares: Float64Array}} Small */

/**
 * Why the picture may be no head CT slice; empty where nothing speaks against it.
 * @param {Measures} looks
 * @returns {Doubt[]}
 */
export function judge(looks) {
  if (looks.contrast < 100) return ['contrast']; // the other limits mean nothing then
  /** @type {Doubt[]} */
  const doubts = [];
  if (looks.coloured > 0.1) doubts.push('colour');
  if (looks.aspect > 2) doubts.push('aspect');
  if (looks.corner > 0.4) doubts.push('corners');
  if (looks.outline < 0.4 || looks.outline - looks.hollow < 0.15) doubts.push('skull');
  return doubts;
}

/**
 * @param {import('./pixels.js').Gray} gray
 * @param {Uint8Array | null} colours red, green, blue of each pixel
 * @returns {Measures}
 */
export function measure(gray, colours) {
  const [width, height] = smallSize(gray);
  const small = resized(gray, width, height, 1);
  const sorted = Float64Array.from(small).sort();
  const [black, white] = [percentile(sorted, 1), percentile(sorted, 99.5)];
  const shares = Float64Array.from(small, (value) => value / Math.max(white, 1));
  const seen = { width, height, shares };
  return {
    coloured: colours ? shareOfColour(resized({ ...gray, bytes: colours }, width, height, 3), shares) : 0,
    corner: corner(seen),
    contrast: white - black,
    aspect: Math.max(gray.width, gray.height) / Math.min(gray.width, gray.height),
    ...skull(seen),
  };
}

/** The sides with `SIDE` pixels on the longer. @param {{width: number, height: number}} picture */
function smallSize({ width, height }) {
  const scale = SIDE / Math.max(width, height);
  return [Math.max(nearest(width * scale), 2), Math.max(nearest(height * scale), 2)];
}

/** @param {Float64Array} sorted @param {number} percent */
function percentile(sorted, percent) {
  const at = (percent / 100) * (sorted.length - 1);
  const low = Math.floor(at);
  return lerp(sorted[low], sorted[Math.min(low + 1, sorted.length - 1)], at - low);
}

/** @param {Uint8Array} rgb @param {Float64Array} shares */
function shareOfColour(rgb, shares) {
  let count = 0;
  let coloured = 0;
  shares.forEach((share, i) => {
    if (share <= DARK) return;
    const channels = [rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2]];
    count++;
    if (Math.max(...channels) - Math.min(...channels) > COLOURED) coloured++;
  });
  return count ? coloured / count : 0;
}

/** The second brightest corner, as one may hold letters: the median of its pixels. @param {Small} small */
function corner({ width, height, shares }) {
  const side = Math.max(Math.floor(Math.min(width, height) / 10), 1);
  const medians = [];
  for (const y0 of [0, height - side]) {
    for (const x0 of [0, width - side]) {
      const found = [];
      for (let y = y0; y < y0 + side; y++) for (let x = x0; x < x0 + side; x++) found.push(shares[y * width + x]);
      medians.push(median(found));
    }
  }
  return medians.sort((a, b) => a - b)[2];
}

/** @param {ArrayLike<number>} values */
function median(values) {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** From rays that leave the middle of what is not dark. @param {Small} small */
function skull(small) {
  const rays = raysOf(small);
  const last = rays.map((ray) => Math.max(ray.findLastIndex((value) => value >= BONE), 0));
  let outlined = 0;
  let inside = 0;
  let dark = 0;
  rays.forEach((ray, direction) => {
    const at = last[direction];
    const near = median(Array.from({ length: 9 }, (_, i) => last[(direction + i - 4 + DIRECTIONS) % DIRECTIONS]));
    const even = Math.abs(at - near) <= Math.max(4, 0.1 * near);
    let beyond = 0;
    ray.forEach((value, place) => {
      if (place > at && value > DARK) beyond++;
      if (place >= 0.8 * at) return;
      inside++;
      if (value <= DARK) dark++;
    });
    if (even && beyond <= Math.floor(SIDE / 6) && at >= Math.floor(SIDE / 12)) outlined++;
  });
  return { outline: outlined / DIRECTIONS, hollow: inside ? dark / inside : 1 };
}

/** The values along rays in all directions; 0 outside the picture. @param {Small} small */
function raysOf({ width, height, shares }) {
  /** @type {number[]} */
  const rows = [];
  /** @type {number[]} */
  const columns = [];
  shares.forEach((share, i) => {
    if (share <= DARK) return;
    rows.push(Math.floor(i / width));
    columns.push(i % width);
  });
  const [cy, cx] = rows.length ? [median(rows), median(columns)] : [0, 0];
  return Array.from({ length: DIRECTIONS }, (_, direction) => {
    const angle = direction * ((2 * Math.PI) / DIRECTIONS);
    const [dy, dx] = [Math.sin(angle), Math.cos(angle)];
    return Array.from({ length: SIDE }, (_, along) => {
      const y = nearest(cy + along * dy);
      const x = nearest(cx + along * dx);
      return y >= 0 && y < height && x >= 0 && x < width ? shares[y * width + x] : 0;
    });
  });
}
