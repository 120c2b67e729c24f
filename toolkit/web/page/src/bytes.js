// Reading numbers out of bytes, and checksums over them.

import { Problem } from './problem.js';

/** @param {Uint8Array} bytes @param {number} at */
export const u16be = (bytes, at) => (bytes[at] << 8) | bytes[at + 1];
/** @param {Uint8Array} bytes @param {number} at */
export const u32be = (bytes, at) => ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
/** @param {Uint8Array} bytes @param {number} at */
export const u16le = (bytes, at) => (bytes[at + 1] << 8) | bytes[at];
/** @param {Uint8Array} bytes @param {number} at */
export const u32le = (bytes, at) => ((bytes[at + 3] << 24) | (bytes[at + 2] << 16) | (bytes[at + 1] << 8) | bytes[at]) >>> 0;

/** Bytes as Latin-1. @param {Uint8Array} bytes @param {number} from @param {number} to */
export function latin1(bytes, from, to) {
  let text = '';
  for (let i = from; i < to; i++) text += String.fromCharCode(bytes[i]);
  return text;
}

/** @param {Uint8Array} bytes @param {string} text @param {number} [at] */
export function begins(bytes, text, at = 0) {
  if (bytes.length < at + text.length) return false;
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}

/** @type {Int32Array | undefined} */
let crcTable;

/** CRC-32 of the bytes `from` to `to`. @param {Uint8Array} bytes @param {number} from @param {number} to */
export function crc32(bytes, from, to) {
  if (!crcTable) {
    crcTable = new Int32Array(256);
    for (let n = 0; n < 256; n++) {
      let c = n;
      for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
      crcTable[n] = c;
    }
  }
  let sum = -1;
  for (let i = from; i < to; i++) sum = (sum >>> 8) ^ crcTable[(sum ^ bytes[i]) & 255];
  return ~sum >>> 0;
}

/** @param {Uint8Array} bytes @returns {string} in lower-case hexadecimal digits */
export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** @param {string} digits @returns {Uint8Array} */
export function unhex(digits) {
  if (digits.length % 2 || /[^0-9a-f]/i.test(digits)) throw new Problem('damaged');
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) => parseInt(digits.slice(2 * i, 2 * i + 2), 16));
}
