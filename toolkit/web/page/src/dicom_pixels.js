// The stored values of a slice, uncompressed or by one of the decoders, and which of them are padding.

import { begins, u16be, u32be } from './bytes.js';
import { decodeJpeg2000, decodeJpegSamples, decodeJpegLossless, decodeJpegLs, decodeRle } from './codecs.js';
import { frameOf } from './jpeg.js';
import { Problem } from './problem.js';

const NATIVE = new Set(['1.2.840.10008.1.2', '1.2.840.10008.1.2.1', '1.2.840.10008.1.2.1.99', '1.2.840.10008.1.2.2']);
const BIG_ENDIAN = '1.2.840.10008.1.2.2';
const RLE = '1.2.840.10008.1.2.5';
const JPEG = '1.2.840.10008.1.2.4.50';
const LOSSLESS = new Set(['1.2.840.10008.1.2.4.57', '1.2.840.10008.1.2.4.70']);
const JPEG_LS = new Set(['1.2.840.10008.1.2.4.80', '1.2.840.10008.1.2.4.81']);
const JPEG_2000 = new Set(['1.2.840.10008.1.2.4.90', '1.2.840.10008.1.2.4.91']);
const MOST_GROWN = 2; // times: pixels that a codec makes longer than that are none
const SPARE = 1 << 16;

/** @typedef {import('./dicom.js').DataSet} DataSet */
/** @typedef {import('./dicom.js').Facts} Facts */
/** @typedef {{stored: Int32Array, padding: Uint8Array | null}} Stored padding is 1 where a pixel is none */

/**
 * @param {DataSet} dataset
 * @param {string} syntax
 * @param {Facts} facts
 * @returns {Promise<Stored>}
 */
export async function storedValues(dataset, syntax, facts) {
  const native = NATIVE.has(syntax);
  const bytes = native ? nativeBytes(dataset, syntax, facts) : await decoded(oneFrame(dataset, facts), syntax, facts);
  const raw = numbers(bytes, facts, syntax === BIG_ENDIAN, facts.allocated);
  const stored = numbers(bytes, facts, syntax === BIG_ENDIAN, facts.bits);
  return { stored, padding: paddingOf(dataset, facts, stored, native ? raw : stored) };
}

/** @param {DataSet} dataset @param {string} syntax @param {Facts} facts */
function nativeBytes(dataset, syntax, { rows, columns, allocated }) {
  const element = dataset.elements.x7fe00010;
  const wanted = (rows * columns * allocated) / 8;
  if (element.encapsulatedPixelData || element.hadUndefinedLength) throw new Problem('damaged');
  if (element.length !== wanted && element.length !== wanted + (wanted % 2)) throw new Problem('damaged');
  if (element.dataOffset + element.length > dataset.byteArray.length) throw new Problem('damaged');
  if (syntax === BIG_ENDIAN && allocated === 8) throw new Problem('dicom_syntax');
  return dataset.byteArray.subarray(element.dataOffset, element.dataOffset + wanted);
}

/** The bytes of the one frame of encapsulated pixels. @param {DataSet} dataset @param {Facts} facts */
function oneFrame(dataset, { rows, columns, allocated }) {
  const element = dataset.elements.x7fe00010;
  const fragments = element.fragments ?? [];
  if (!element.encapsulatedPixelData || !fragments.length) throw new Problem('damaged');
  const table = element.basicOffsetTable ?? [];
  if (table.length > 1) throw new Problem('damaged'); // several frames
  const length = fragments.reduce((sum, fragment) => sum + fragment.length, 0);
  if (length > MOST_GROWN * rows * columns * (allocated / 8) + SPARE) throw new Problem('damaged');
  const frame = new Uint8Array(length);
  let to = 0;
  for (const { position, length: size } of fragments) {
    const part = /** @type {Uint8Array} */ (dataset.byteArray).subarray(position, position + size);
    if (part.length !== size) throw new Problem('damaged');
    frame.set(part, to);
    to += size;
  }
  return frame;
}

/** @param {Uint8Array} frame @param {string} syntax @param {Facts} facts @returns {Promise<Uint8Array>} little endian */
async function decoded(frame, syntax, facts) {
  const { rows, columns, allocated } = facts;
  const count = rows * columns;
  if (syntax === RLE) return decodeRle(frame, count, allocated / 8);
  checkFrame(frame, facts);
  if (LOSSLESS.has(syntax)) {
    const bytes = decodeJpegLossless(frame, allocated / 8);
    if (bytes.length !== (count * allocated) / 8) throw new Problem('damaged');
    return bytes;
  }
  if (JPEG_LS.has(syntax)) return fitting(await decodeJpegLs(frame), facts, false);
  if (JPEG_2000.has(syntax)) return fitting(await decodeJpeg2000(frame), facts, true);
  if (syntax === JPEG && allocated === 8) {
    if (frameOf(frame).components !== 1) throw new Problem('damaged');
    const samples = await decodeJpegSamples(frame);
    if (samples.length !== count) throw new Problem('damaged');
    return samples;
  }
  throw new Problem('dicom_syntax');
}

/** @param {import('./codecs.js').Samples} samples @param {Facts} facts @param {boolean} knowsSign whether the codec does */
function fitting({ width, height, bits, signed, bytes }, facts, knowsSign) {
  const fits = width === facts.columns && height === facts.rows && bytes.length === (width * height * facts.allocated) / 8;
  if (!fits || bits < facts.bits || (knowsSign && signed !== facts.signed)) throw new Problem('dicom_syntax');
  return bytes;
}

/** Decoders allocate what the frame itself says: it must say what the header does. @param {Uint8Array} frame @param {Facts} facts */
function checkFrame(frame, { rows, columns }) {
  const sides = begins(frame, '\xff\xd8') ? jpegSides(frame) : jpeg2000Sides(frame);
  if (!sides || sides[0] !== columns || sides[1] !== rows || sides[2] !== 1) throw new Problem('damaged');
}

/** @param {Uint8Array} frame @returns {number[] | null} width, height, components */
function jpegSides(frame) {
  for (let at = 2; at + 10 < frame.length; ) {
    if (frame[at] !== 0xff) return null;
    const kind = frame[at + 1];
    const isFrame = kind === 0xf7 || (kind >= 0xc0 && kind <= 0xcf && kind !== 0xc4 && kind !== 0xc8 && kind !== 0xcc);
    if (isFrame) return [u16be(frame, at + 7), u16be(frame, at + 5), frame[at + 9]];
    at += kind === 0xff ? 1 : kind === 1 || (kind >= 0xd0 && kind <= 0xd8) ? 2 : 2 + u16be(frame, at + 2);
  }
  return null;
}

/** @param {Uint8Array} frame @returns {number[] | null} */
function jpeg2000Sides(frame) {
  if (!begins(frame, '\xff\x4f\xff\x51')) return null; // as DICOM wants it, without boxes
  return [u32be(frame, 8) - u32be(frame, 16), u32be(frame, 12) - u32be(frame, 20), u16be(frame, 40)];
}

/**
 * The lowest `bits` of each number in the file, with its sign.
 * @param {Uint8Array} bytes
 * @param {Facts} facts
 * @param {boolean} big
 * @param {number} bits
 */
function numbers(bytes, { allocated, signed }, big, bits) {
  const values = new Int32Array((bytes.length * 8) / allocated);
  const shift = 32 - bits;
  for (let i = 0; i < values.length; i++) {
    const low = allocated === 8 ? bytes[i] : big ? (bytes[2 * i] << 8) | bytes[2 * i + 1] : (bytes[2 * i + 1] << 8) | bytes[2 * i];
    values[i] = signed ? (low << shift) >> shift : (low << shift) >>> shift;
  }
  return values;
}

/** @param {DataSet} dataset @param {Facts} facts @param {Int32Array} stored @param {Int32Array} raw with the bits above */
function paddingOf(dataset, facts, stored, raw) {
  const value = paddingValue(dataset, 'x00280120');
  if (value === null) return null;
  const ends = [value, paddingValue(dataset, 'x00280121')].filter((end) => end !== null).map((end) => wrapped(end, facts));
  const lost = facts.allocated - facts.bits;
  const values = ends.some((end) => wrapped(end << lost, facts) >> lost !== end) ? raw : stored;
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  return Uint8Array.from(values, (each) => (each >= low && each <= high ? 1 : 0));
}

/** @param {DataSet} dataset @param {string} tag */
function paddingValue(dataset, tag) {
  const element = dataset.elements[tag];
  if (!element || element.length !== 2) return null;
  return element.vr === 'SS' ? (dataset.int16(tag) ?? null) : (dataset.uint16(tag) ?? null);
}

/** A padding value as a stored one: some writers keep the bits of -2000 as 63536. @param {number} value @param {Facts} facts */
function wrapped(value, { allocated, signed }) {
  const bits = 2 ** allocated;
  const low = ((value % bits) + bits) % bits;
  return signed && low >= bits / 2 ? low - bits : low;
}
