// JPEG to gray and colours. mozjpeg decodes as Pillow's libjpeg-turbo does; this decides what may reach it.

import { begins, latin1, u16be } from './bytes.js';
import { decodeJpegColours } from './codecs.js';
import { orientationOf, orientationOfXmp } from './exif.js';
import { checkSize, grayOf } from './pixels.js';
import { Problem } from './problem.js';

const EXIF = 'Exif\0\0';
const XMP = 'http://ns.adobe.com/xap/1.0/\0';
const [SOI, EOI, SOS, APP1] = [0xd8, 0xd9, 0xda, 0xe1];
const FRAMES = new Set([0xc0, 0xc1, 0xc2]); // Huffman: baseline, extended, progressive
const OTHER_FRAMES = new Set([0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf]);
const ALONE = new Set([0x01, SOI, 0xd0, 0xd1, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7]);

/** @param {Uint8Array} file */
export const isJpeg = (file) => file[0] === 0xff && file[1] === SOI && file[2] === 0xff;

/** @typedef {{width: number, height: number, components: number, orientation: number}} Frame */

/**
 * @param {Uint8Array} file
 * @returns {Promise<{width: number, height: number, gray: Uint8Array, colours: Uint8Array | null, orientation: number}>}
 */
export async function decodeJpeg(file) {
  const frame = frameOf(file);
  const { width, height, data } = await decodeJpegColours(file);
  if (width !== frame.width || height !== frame.height) throw new Problem('damaged');
  const gray = new Uint8Array(width * height);
  const colours = frame.components === 1 ? null : new Uint8Array(width * height * 3);
  for (let i = 0, at = 0; i < gray.length; i++, at += 4) {
    gray[i] = grayOf(data[at], data[at + 1], data[at + 2]);
    if (colours) colours.set([data[at], data[at + 1], data[at + 2]], 3 * i);
  }
  return { width, height, gray, colours, orientation: frame.orientation };
}

/**
 * What the segments say, from the first to the end marker; whatever Pillow might guess at is refused.
 * @param {Uint8Array} file
 * @returns {Frame}
 */
export function frameOf(file) {
  /** @type {Frame | null} */
  let frame = null;
  /** @type {number | null} */
  let exif = null;
  /** @type {number | null} */
  let xmp = null;
  const coefficients = new Progress();
  for (let at = 2; ; ) {
    while (file[at] === 0xff && file[at + 1] === 0xff) at++;
    if (at + 1 >= file.length || file[at] !== 0xff) throw new Problem('damaged');
    const kind = file[at + 1];
    at += 2;
    if (kind === EOI) break;
    if (kind === 0 || ALONE.has(kind)) throw new Problem('damaged');
    const length = u16be(file, at);
    const end = at + length;
    if (length < 2 || end > file.length) throw new Problem('damaged');
    const body = file.subarray(at + 2, end);
    if (OTHER_FRAMES.has(kind)) throw new Problem('jpeg_kind');
    if (FRAMES.has(kind)) {
      if (frame) throw new Problem('damaged');
      frame = frameHeader(body);
      coefficients.begin(kind === 0xc2, body);
    } else if (kind === APP1 && begins(body, EXIF)) exif ??= orientationOf(body.subarray(EXIF.length));
    else if (kind === APP1 && begins(body, XMP)) xmp ??= orientationOfXmp(latin1(body, XMP.length, body.length));
    at = end;
    if (kind === SOS) {
      coefficients.scan(body);
      at = afterScan(file, at);
    }
  }
  if (!frame || !coefficients.whole) throw new Problem('damaged');
  return { ...frame, orientation: exif ?? xmp ?? 1 };
}

/** @param {Uint8Array} body @returns {Frame} */
function frameHeader(body) {
  const [height, width, components] = [u16be(body, 1), u16be(body, 3), body[5]];
  if (body.length !== 6 + 3 * components) throw new Problem('damaged');
  if (body[0] !== 8) throw new Problem('jpeg_kind');
  if (components === 4) throw new Problem('cmyk');
  if (components !== 1 && components !== 3) throw new Problem('damaged');
  checkSize(width, height);
  return { width, height, components, orientation: 1 };
}

/** The place of the marker after a scan's data. @param {Uint8Array} file @param {number} at */
function afterScan(file, at) {
  for (; at + 1 < file.length; at++) {
    if (file[at] !== 0xff) continue;
    const next = file[at + 1];
    if (next !== 0 && next !== 0xff && !(next >= 0xd0 && next <= 0xd7)) return at;
  }
  throw new Problem('damaged');
}

/** Which coefficients a progressive picture has had to their last bit: decoders fill in the others in their own ways. */
class Progress {
  constructor() {
    /** @type {Map<number, Int8Array>} */
    this.left = new Map();
    this.progressive = false;
    this.scans = 0;
  }

  /** @param {boolean} progressive @param {Uint8Array} body of the frame header */
  begin(progressive, body) {
    this.progressive = progressive;
    for (let at = 6; at < body.length; at += 3) this.left.set(body[at], new Int8Array(64).fill(-1));
  }

  /** @param {Uint8Array} body of the scan header */
  scan(body) {
    this.scans++;
    const count = body[0];
    if (body.length !== 4 + 2 * count || count < 1) throw new Problem('damaged');
    const [from, to, bits] = [body[1 + 2 * count], body[2 + 2 * count], body[3 + 2 * count]];
    if (to > 63) throw new Problem('damaged');
    for (let i = 0; i < count; i++) {
      const left = this.left.get(body[1 + 2 * i]);
      if (!left) throw new Problem('damaged');
      if (this.progressive) left.fill(bits & 15, from, to + 1);
      else if (left[0] === 0) throw new Problem('damaged');
      else left.fill(0);
    }
  }

  get whole() {
    return this.scans > 0 && [...this.left.values()].every((left) => left.every((bits) => bits === 0));
  }
}
