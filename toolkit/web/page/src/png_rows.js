// What the rows of a PNG become: gray and colours, by its colour type and what it says of transparency.

import { u16be } from './bytes.js';
import { grayOf, grayOverBlack } from './pixels.js';

/** @typedef {{put: (row: Uint8Array, y: number, x: number, step: number, count: number) => void,
 *   seen: () => {shown: boolean, coloured: boolean},
 *   pictures: () => {gray: Uint8Array | null, deep: Uint16Array | null, colours: Uint8Array | null}}} Sink */

const OPAQUE = { shown: true, coloured: true };

/** @param {import('./png.js').Info} info @returns {Sink} */
export function rowSink(info) {
  const { width, height, depth, type } = info;
  if (type === 0 && depth === 16) return deep(width, height);
  if (type === 0 && !info.transparency) return plain(info);
  return coloured(info);
}

/** @param {number} width @param {number} height @returns {Sink} */
function deep(width, height) {
  const values = new Uint16Array(width * height);
  return {
    put(row, y, x, step, count) {
      for (let i = 0, to = y * width + x; i < count; i++, to += step) values[to] = u16be(row, 2 * i);
    },
    seen: () => OPAQUE,
    pictures: () => ({ gray: null, deep: values, colours: null }),
  };
}

/** Gray of up to 8 bits. @param {import('./png.js').Info} info @returns {Sink} */
function plain({ width, height, depth }) {
  const gray = new Uint8Array(width * height);
  const scale = 255 / ((1 << depth) - 1);
  return {
    put(row, y, x, step, count) {
      if (depth === 8 && step === 1) return gray.set(row, y * width);
      for (let i = 0, to = y * width + x; i < count; i++, to += step) gray[to] = sample(row, i, depth) * scale;
    },
    seen: () => OPAQUE,
    pictures: () => ({ gray, deep: null, colours: null }),
  };
}

/** @param {import('./png.js').Info} info @returns {Sink} */
function coloured(info) {
  const { width, height } = info;
  const isGray = info.type === 0 || (info.type === 4 && info.depth === 8);
  const gray = new Uint8Array(width * height);
  const colours = isGray ? null : new Uint8Array(width * height * 3);
  const clear = info.type === 4 || info.type === 6 || info.transparency !== null;
  const expand = expander(info);
  const rgba = new Uint8Array(width * 4);
  const line = new Uint8Array(width);
  const found = { shown: !clear, coloured: !clear };
  return {
    put(row, y, x, step, count) {
      expand(row, rgba, count);
      const pixels = line.subarray(0, count);
      if (clear) {
        const { shown, coloured } = grayOverBlack(rgba, pixels);
        found.shown ||= shown;
        found.coloured ||= coloured;
      } else {
        for (let i = 0, at = 0; i < count; i++, at += 4) pixels[i] = grayOf(rgba[at], rgba[at + 1], rgba[at + 2]);
      }
      for (let i = 0, to = y * width + x; i < count; i++, to += step) {
        gray[to] = pixels[i];
        if (!colours) continue;
        colours[3 * to] = rgba[4 * i];
        colours[3 * to + 1] = rgba[4 * i + 1];
        colours[3 * to + 2] = rgba[4 * i + 2];
      }
    },
    seen: () => found,
    pictures: () => ({ gray, deep: null, colours }),
  };
}

/** Sample `i` of a row with up to 8 bits each. @param {Uint8Array} row @param {number} i @param {number} depth */
function sample(row, i, depth) {
  if (depth === 8) return row[i];
  const bit = i * depth;
  return (row[bit >> 3] >> (8 - depth - (bit & 7))) & ((1 << depth) - 1);
}

/**
 * What turns a row into red, green, blue and opacity; of 16 bits the upper byte counts.
 * @param {import('./png.js').Info} info
 * @returns {(row: Uint8Array, rgba: Uint8Array, count: number) => void}
 */
function expander({ type, depth, palette, transparency }) {
  const wide = depth === 16 ? 2 : 1;
  if (type === 3 && palette) {
    return (row, rgba, count) => {
      for (let i = 0, to = 0; i < count; i++, to += 4) {
        const index = sample(row, i, depth);
        for (let c = 0; c < 3; c++) rgba[to + c] = palette[3 * index + c] ?? 0;
        rgba[to + 3] = transparency?.[index] ?? 255;
      }
    };
  }
  if (type === 0 || type === 4) {
    const scale = type === 4 ? 1 : 255 / ((1 << depth) - 1);
    const key = type === 0 && transparency ? keyOfGray(transparency, depth) : -1;
    const each = (type === 4 ? 2 : 1) * wide;
    return (row, rgba, count) => {
      for (let i = 0, to = 0; i < count; i++, to += 4) {
        const value = type === 4 ? row[i * each] : sample(row, i, depth) * scale;
        rgba.fill(value, to, to + 3);
        rgba[to + 3] = type === 4 ? row[i * each + wide] : value === key ? 0 : 255;
      }
    };
  }
  const each = (type === 6 ? 4 : 3) * wide;
  const key = type === 2 && transparency ? [0, 2, 4].map((at) => u16be(transparency, at)) : null;
  return (row, rgba, count) => {
    for (let i = 0, to = 0, at = 0; i < count; i++, to += 4, at += each) {
      for (let c = 0; c < 3; c++) rgba[to + c] = row[at + c * wide];
      if (type === 6) rgba[to + 3] = row[at + 3 * wide];
      else rgba[to + 3] = key && key[0] === rgba[to] && key[1] === rgba[to + 1] && key[2] === rgba[to + 2] ? 0 : 255;
    }
  };
}

/** The gray that is seen through. @param {Uint8Array} transparency @param {number} depth */
function keyOfGray(transparency, depth) {
  const value = u16be(transparency, 0);
  return depth === 1 ? (value ? 255 : 0) : value;
}
