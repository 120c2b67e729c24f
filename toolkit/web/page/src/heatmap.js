// A class-activation map over its picture, bit for bit what `hemotk predict --heatmap` draws.

import { weightsFor } from './weights.js';

/** The contribution, in units of the logit, that has the full colour; the same for every picture, so maps compare. */
export const FULL = 10;
const OPACITY = 0.6;
const f32 = Math.fround;

/** @typedef {{width: number, height: number, values: Float32Array}} Cam contributions to the logit, row by row */

/**
 * The picture with the map over it, as red, green, blue, 255 of each pixel: red is towards class 1, blue against it.
 * @param {import('./pixels.js').Gray} gray
 * @param {Cam} cam
 * @param {number} size the side of the picture that the network saw
 * @returns {Uint8ClampedArray<ArrayBuffer>}
 */
export function overlay(gray, cam, size) {
  const map = onPicture(gray.width, gray.height, cam, size);
  const rgba = new Uint8ClampedArray(map.length * 4);
  const opacity = f32(OPACITY);
  for (let i = 0, to = 0; i < map.length; i++, to += 4) {
    const value = Math.min(Math.max(f32(map[i] / FULL), -1), 1);
    const share = f32(opacity * Math.abs(value));
    const rest = f32(f32(1 - share) * gray.bytes[i]);
    const full = nearest(f32(rest + f32(share * 255)));
    const none = nearest(rest);
    rgba[to] = value > 0 ? full : none;
    rgba[to + 1] = none;
    rgba[to + 2] = value > 0 ? none : full;
    rgba[to + 3] = 255;
  }
  return rgba;
}

/** @param {number} value Half goes to the even number, as numpy's rint has it. */
export function nearest(value) {
  const low = Math.floor(value);
  const rest = value - low;
  if (rest < 0.5) return low;
  if (rest > 0.5) return low + 1;
  return low % 2 === 0 ? low : low + 1;
}

/**
 * The map at every pixel: Pillow's bilinear resize in floats to the square, without the padding.
 * @param {number} width
 * @param {number} height
 * @param {Cam} cam
 * @param {number} size
 */
export function onPicture(width, height, cam, size) {
  const side = Math.max(width, height);
  // One more row and column, as the last cells may not reach the edge of the picture.
  const across = weightsFor(cam.width + 1, cell(size, cam.width), side);
  const down = weightsFor(cam.height + 1, cell(size, cam.height), side);
  const left = (side - width) >> 1;
  const top = (side - height) >> 1;
  const rows = new Float32Array((cam.height + 1) * width);
  for (let y = 0; y <= cam.height; y++) {
    const row = Math.min(y, cam.height - 1) * cam.width;
    for (let x = 0; x < width; x++) {
      const i = x + left;
      let total = 0;
      for (let k = 0; k < across.sizes[i]; k++) {
        total += cam.values[row + Math.min(across.starts[i] + k, cam.width - 1)] * across.values[i * across.stride + k];
      }
      rows[y * width + x] = total;
    }
  }
  const map = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    const i = y + top;
    for (let x = 0; x < width; x++) {
      let total = 0;
      for (let k = 0; k < down.sizes[i]; k++) {
        total += rows[(down.starts[i] + k) * width + x] * down.values[i * down.stride + k];
      }
      map[y * width + x] = total;
    }
  }
  return map;
}

/** @param {number} size @param {number} count How many cells wide the picture is: each stands for a power of two. */
const cell = (size, count) => f32(size / 2 ** nearest(Math.log2(size / count)));
