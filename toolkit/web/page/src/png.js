// PNG to gray and colours, row by row, as Pillow and `hemotk.data.read.preprocess` read it.
//
// Every checksum in the file must be right. A chunk that cannot be in its place is refused where Pillow may guess: no
// picture is better than another one.

import { Unzlib, unzlibSync } from 'fflate';
import { begins, crc32, latin1, u32be } from './bytes.js';
import { orientationOf, orientationOfXmp } from './exif.js';
import { checkSize } from './pixels.js';
import { rowSink } from './png_rows.js';
import { Problem } from './problem.js';

const SIGNATURE = '\x89PNG\r\n\x1a\n';
const CHANNELS = [1, 0, 3, 1, 2, 0, 4];
const DEPTHS = [[1, 2, 4, 8, 16], [], [8, 16], [1, 2, 4, 8], [8, 16], [], [8, 16]];
const XMP = 'XML:com.adobe.xmp\0';
const RAW_EXIF = 'Raw profile type exif\0';
const MOST_TEXT = 1 << 20;
// First column, first row, steps of Adam7's seven passes.
const ADAM7 = [[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]];

/** @param {Uint8Array} file */
export const isPng = (file) => begins(file, SIGNATURE);

/**
 * @typedef {object} Header
 * @property {number} width
 * @property {number} height
 * @property {number} depth bits of a sample
 * @property {number} type colour type
 * @property {boolean} interlaced
 */
/** @typedef {Header & {palette: Uint8Array | null, transparency: Uint8Array | null, orientation: number}} Info */

/**
 * @typedef {object} Decoded
 * @property {number} width
 * @property {number} height
 * @property {Uint8Array | null} gray as it is seen; null where `deep` is given
 * @property {Uint16Array | null} deep 16-bit gray
 * @property {Uint8Array | null} colours red, green, blue; null where the picture is gray
 * @property {number} orientation
 */

/**
 * @param {Uint8Array} file
 * @returns {Decoded}
 */
export function decodePng(file) {
  const { info, data } = chunks(file);
  const sink = rowSink(info);
  const rows = new Rows(info, sink.put);
  inflate(data, (bytes) => rows.push(bytes));
  if (!rows.done) throw new Problem('damaged');
  const { shown, coloured } = sink.seen();
  if (!shown && coloured) throw new Problem('transparent');
  return { width: info.width, height: info.height, orientation: info.orientation, ...sink.pictures() };
}

/** @param {Uint8Array} file @returns {{info: Info, data: Uint8Array[]}} */
function chunks(file) {
  /** @type {Uint8Array[]} */
  const data = [];
  /** @type {Info | null} */
  let info = null;
  /** @type {number | null} */
  let exif = null;
  /** @type {number | null} */
  let xmp = null;
  let ended = false; // the picture's data
  for (let at = SIGNATURE.length; ; ) {
    if (at + 12 > file.length) throw new Problem('damaged');
    const length = u32be(file, at);
    const end = at + 8 + length;
    if (end + 4 > file.length || crc32(file, at + 4, end) !== u32be(file, end)) throw new Problem('damaged');
    const kind = latin1(file, at + 4, at + 8);
    const body = file.subarray(at + 8, end);
    at = end + 4;
    if (!info && kind !== 'IHDR') throw new Problem('damaged');
    if (data.length && kind !== 'IDAT') ended = true;
    if (kind === 'IHDR') {
      if (info) throw new Problem('damaged');
      info = { ...header(body), palette: null, transparency: null, orientation: 1 };
    } else if (kind === 'IEND') {
      if (!info || !data.length || (info.type === 3 && !info.palette)) throw new Problem('damaged');
      info.orientation = exif ?? xmp ?? 1;
      return { info, data };
    } else if (kind === 'IDAT') {
      if (ended) throw new Problem('damaged');
      data.push(body);
    } else if (kind === 'acTL') {
      throw new Problem('frames', { frames: u32be(body, 0) });
    } else if (info && kind === 'PLTE') {
      if (length % 3 || length > 768 || info.palette || data.length) throw new Problem('damaged');
      info.palette = body;
    } else if (info && kind === 'tRNS') {
      checkTransparency(info, length, data.length > 0);
      info.transparency = body;
    } else if (kind === 'eXIf') exif = orientationOf(body) ?? exif;
    else if (kind === 'iTXt' && begins(body, XMP)) xmp = orientationOfXmp(internationalText(body)) ?? xmp;
    else if ((kind === 'zTXt' || kind === 'tEXt') && begins(body, RAW_EXIF)) exif = rawExif(kind, body) ?? exif;
    else if ((file[at - length - 8] & 32) === 0) throw new Problem('damaged'); // critical, and unknown
  }
}

/** @param {Uint8Array} body @returns {Header} */
function header(body) {
  const [width, height, depth, type] = [u32be(body, 0), u32be(body, 4), body[8], body[9]];
  if (body.length !== 13 || !DEPTHS[type]?.includes(depth) || body[10] || body[11] || body[12] > 1) throw new Problem('damaged');
  checkSize(width, height);
  return { width, height, depth, type, interlaced: body[12] === 1 };
}

/** @param {Info} info @param {number} length @param {boolean} late */
function checkTransparency(info, length, late) {
  const fits = info.type === 3 ? info.palette && length <= info.palette.length / 3 : length === { 0: 2, 2: 6 }[info.type];
  if (!fits || late || info.transparency) throw new Problem('damaged');
}

/** @param {Uint8Array} body @returns {string} */
function internationalText(body) {
  const packed = body[XMP.length] === 1;
  let at = XMP.length + 2;
  for (let ends = 0; ends < 2 && at < body.length; at++) if (body[at] === 0) ends++;
  const text = packed ? small(body.subarray(at)) : body.subarray(at);
  return latin1(text, 0, Math.min(text.length, MOST_TEXT));
}

/** EXIF in hexadecimal digits, as some tools put it into a text. @param {string} kind @param {Uint8Array} body */
function rawExif(kind, body) {
  const text = kind === 'zTXt' ? small(body.subarray(RAW_EXIF.length + 1)) : body.subarray(RAW_EXIF.length);
  const lines = latin1(text, 0, Math.min(text.length, MOST_TEXT)).split('\n').slice(3).join('');
  const bytes = Uint8Array.from(lines.match(/[0-9a-f]{2}/gi) ?? [], (digits) => parseInt(digits, 16));
  return orientationOf(begins(bytes, 'Exif\0\0') ? bytes.subarray(6) : bytes);
}

/** A packed text, unpacked as far as a text may reach. @param {Uint8Array} packed */
function small(packed) {
  try {
    return unzlibSync(packed, { out: new Uint8Array(MOST_TEXT) });
  } catch {
    throw new Problem('damaged');
  }
}

/** @param {Uint8Array[]} data @param {(bytes: Uint8Array) => void} use */
function inflate(data, use) {
  let [a, b] = [1, 0];
  const stream = new Unzlib((bytes) => {
    for (let i = 0; i < bytes.length; ) {
      const stop = Math.min(i + 3800, bytes.length);
      for (; i < stop; i++) b += a += bytes[i];
      a %= 65521;
      b %= 65521;
    }
    use(bytes);
  });
  const STEP = 1 << 16;
  try {
    data.forEach((body, index) => {
      for (let at = 0; at < body.length || at === 0; at += STEP) {
        stream.push(body.subarray(at, at + STEP), index === data.length - 1 && at + STEP >= body.length);
      }
    });
  } catch (error) {
    throw error instanceof Problem ? error : new Problem('damaged');
  }
  const tail = last(data, 4);
  if (u32be(tail, 0) !== ((b << 16) | a) >>> 0) throw new Problem('damaged');
}

/** The last bytes of all. @param {Uint8Array[]} data @param {number} count */
function last(data, count) {
  const tail = [];
  for (let i = data.length - 1; i >= 0 && tail.length < count; i--) {
    for (let at = data[i].length - 1; at >= 0 && tail.length < count; at--) tail.unshift(data[i][at]);
  }
  return Uint8Array.from(tail);
}

/** Cuts inflated bytes into rows, undoes their filters and hands them on with their place. */
class Rows {
  /**
   * @param {Info} info
   * @param {(row: Uint8Array, y: number, x: number, step: number, count: number) => void} put
   */
  constructor(info, put) {
    this.put = put;
    this.bits = CHANNELS[info.type] * info.depth;
    this.back = Math.max(this.bits >> 3, 1);
    /** @type {{x: number, step: number, ys: number[], count: number}[]} */
    this.passes = (info.interlaced ? ADAM7 : [[0, 0, 1, 1]])
      .map(([x, y, dx, dy]) => ({ x, step: dx, ys: steps(y, info.height, dy), count: Math.ceil((info.width - x) / dx) }))
      .filter(({ ys, count }) => ys.length > 0 && count > 0);
    this.pass = 0;
    this.done = false;
    this.row = 0;
    this.have = 0;
    this.line = this.above = new Uint8Array(0);
    this.begin();
  }

  begin() {
    this.done = this.pass >= this.passes.length;
    if (this.done) return;
    const length = Math.ceil((this.passes[this.pass].count * this.bits) / 8);
    this.row = 0;
    this.have = 0;
    this.line = new Uint8Array(length + 1);
    this.above = new Uint8Array(length + 1);
  }

  /** @param {Uint8Array} bytes */
  push(bytes) {
    for (let at = 0; at < bytes.length && !this.done; ) {
      const count = Math.min(bytes.length - at, this.line.length - this.have);
      this.line.set(bytes.subarray(at, at + count), this.have);
      at += count;
      this.have += count;
      if (this.have === this.line.length) this.finish();
    }
  }

  finish() {
    const { x, step, ys, count } = this.passes[this.pass];
    unfilter(this.line, this.above, this.back);
    this.put(this.line.subarray(1), ys[this.row], x, step, count);
    [this.line, this.above] = [this.above, this.line];
    this.have = 0;
    this.row++;
    if (this.row < ys.length) return;
    this.pass++;
    this.begin();
  }
}

/** @param {number} from @param {number} to @param {number} step */
function steps(from, to, step) {
  const found = [];
  for (let at = from; at < to; at += step) found.push(at);
  return found;
}

/**
 * Undo the filter of a row in its place; the first byte of each is its filter.
 * @param {Uint8Array} line
 * @param {Uint8Array} above
 * @param {number} back bytes of a pixel
 */
function unfilter(line, above, back) {
  const n = line.length;
  switch (line[0]) {
    case 0:
      return;
    case 1:
      for (let i = back + 1; i < n; i++) line[i] += line[i - back];
      return;
    case 2:
      for (let i = 1; i < n; i++) line[i] += above[i];
      return;
    case 3:
      for (let i = 1; i < n; i++) line[i] += ((i > back ? line[i - back] : 0) + above[i]) >> 1;
      return;
    case 4:
      for (let i = 1; i < n; i++) line[i] += i > back ? paeth(line[i - back], above[i], above[i - back]) : above[i];
      return;
    default:
      throw new Problem('damaged');
  }
}

/** @param {number} a @param {number} b @param {number} c */
function paeth(a, b, c) {
  const pa = Math.abs(b - c);
  const pb = Math.abs(a - c);
  const pc = Math.abs(a + b - 2 * c);
  return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}

