// JPEG to gray and colours, by libjpeg-turbo as in Pillow. It refuses data that Pillow would pass over without a word;
// this decides what may reach it.

import { begins, latin1, u16be } from './bytes.js';
import { decodeJpegSamples } from './codecs.js';
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
  const { width, height, components, orientation } = frame;
  const samples = await decodeJpegSamples(file);
  if (samples.length !== width * height * components) throw new Problem('damaged');
  if (components === 1) return { width, height, gray: samples, colours: null, orientation };
  const gray = new Uint8Array(width * height);
  for (let i = 0, at = 0; i < gray.length; i++, at += 3) gray[i] = grayOf(samples[at], samples[at + 1], samples[at + 2]);
  return { width, height, gray, colours: samples, orientation };
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
  let scans = 0;
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
    } else if (kind === APP1 && begins(body, EXIF)) exif ??= orientationOf(body.subarray(EXIF.length));
    else if (kind === APP1 && begins(body, XMP)) xmp ??= orientationOfXmp(latin1(body, XMP.length, body.length));
    at = end;
    if (kind === SOS) {
      scans++;
      at = afterScan(file, at);
    }
  }
  if (!frame || !scans) throw new Problem('damaged');
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
