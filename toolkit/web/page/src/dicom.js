// DICOM slices through the window, as `hemotk.data.read.dicom` reads them. Names, dates and the like are never read.

import dicomParser from 'dicom-parser';
import { begins, latin1, u16le, u32le } from './bytes.js';
import { inflated } from './dicom_deflated.js';
import { storedValues } from './dicom_pixels.js';
import { checkSize } from './pixels.js';
import { Problem } from './problem.js';
import { magnitude, ofDecimal, through } from './window.js';
import { isWrapped, mayBeWrapped, unwrapped } from './wrapped.js';

const PREAMBLE = 128;
const NO_END = { untilTag: '' };
const IMPLICIT = '1.2.840.10008.1.2';
const EXPLICIT = '1.2.840.10008.1.2.1';
const DEFLATED = '1.2.840.10008.1.2.1.99';
const SLICES = new Set(['', '.1', '.2'].map((kind) => `1.2.840.10008.5.1.4.1.1.2${kind}`));
const VRS = new Set('AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR US UT UV'.split(' '));
const LONG_VRS = new Set('OB OD OF OL OV OW SQ SV UC UN UR UT UV'.split(' '));
const LONGEST = 1 << 16;
const LEAST_AXIAL = 0.7; // of the normal along the body: gantries tilt, and heads lie askew
const ENOUGH = 3; // elements that follow each other as they must

/** @typedef {import('dicom-parser').DataSet} DataSet */
/**
 * @typedef {object} SliceHeader whom and where a slice is of; it stays in memory
 * @property {string} patient
 * @property {string} study
 * @property {string} series
 * @property {string} instance
 * @property {number | null} number
 * @property {number[] | null} position
 * @property {number[] | null} orientation
 */

/** @param {Uint8Array} file */
export const isDicom = (file) => begins(file, 'DICM', PREAMBLE) || beginsLikeElements(file);

/**
 * @param {Uint8Array} file
 * @param {import('./window.js').Window} window
 * @returns {Promise<{width: number, height: number, gray: Uint8Array, header: SliceHeader, corrected: boolean}>}
 */
export async function decodeDicom(file, window) {
  const { dataset, syntax } = read(file);
  checkElements(dataset);
  const facts = checkSlice(dataset);
  const { stored, padding } = await storedValues(dataset, syntax, facts);
  const [roughSlope, roughIntercept] = ['x00281053', 'x00281052'].map((tag) => Number.parseFloat(text(dataset, tag)));
  const corrected = mayBeWrapped(facts, roughSlope, roughIntercept) && isWrapped(stored, facts.bits, padding);
  const slope = decimal(dataset, 'x00281053', -6);
  const intercept = decimal(dataset, 'x00281052', -30);
  if (slope.n <= 0n) throw new Problem('dicom_slope');
  const gray = through(corrected ? unwrapped(stored, facts.bits) : stored, slope, intercept, window);
  if (facts.inverted) for (let i = 0; i < gray.length; i++) gray[i] = 255 - gray[i];
  if (padding) for (let i = 0; i < gray.length; i++) if (padding[i]) gray[i] = 0;
  return { width: facts.columns, height: facts.rows, gray, header: headerOf(dataset), corrected };
}

/** Refuse elements of no known kind, or that reach beyond the file: parsers guess at them in their own ways. @param {DataSet} dataset */
function checkElements(dataset) {
  for (const { vr, dataOffset, length } of Object.values(dataset.elements)) {
    if ((vr && !VRS.has(vr)) || dataOffset + length > dataset.byteArray.length) throw new Problem('damaged');
  }
}

/** @param {Uint8Array} file @returns {{dataset: DataSet, syntax: string}} */
function read(file) {
  try {
    if (begins(file, 'DICM', PREAMBLE)) return readPart10(file);
    if (u16le(file, 0) === 2) {
      const whole = new Uint8Array(file.length + PREAMBLE + 4);
      whole.set([0x44, 0x49, 0x43, 0x4d], PREAMBLE);
      whole.set(file, PREAMBLE + 4);
      return readPart10(whole);
    }
    return readBare(file);
  } catch (error) {
    throw error instanceof Problem ? error : new Problem('damaged');
  }
}

/** @param {Uint8Array} file */
function readPart10(file) {
  const meta = dicomParser.readPart10Header(file);
  checkElements(meta);
  const syntax = text(meta, 'x00020010');
  const rest = () => file.subarray(/** @type {any} */ (meta).position);
  if (!syntax) return readBare(rest());
  if (syntax === DEFLATED) return { dataset: readBare(inflated(rest()), true).dataset, syntax };
  return { dataset: dicomParser.parseDicom(file), syntax };
}

/** A data set without a header that names its encoding. @param {Uint8Array} file @param {boolean} [explicit] */
function readBare(file, explicit = VRS.has(latin1(file, 4, 6))) {
  const stream = new dicomParser.ByteStream(dicomParser.littleEndianByteArrayParser, file, 0);
  const elements = {};
  const dataset = new /** @type {any} */ (dicomParser).DataSet(stream.byteArrayParser, file, elements);
  if (explicit) dicomParser.parseDicomDataSetExplicit(dataset, stream, file.length, NO_END);
  else dicomParser.parseDicomDataSetImplicit(dataset, stream, file.length, NO_END);
  return { dataset, syntax: explicit ? EXPLICIT : IMPLICIT };
}

/**
 * @typedef {object} Facts
 * @property {number} rows
 * @property {number} columns
 * @property {number} allocated
 * @property {number} bits stored
 * @property {boolean} signed
 * @property {boolean} inverted MONOCHROME1
 */

/** Refuse what is no single gray slice in Hounsfield units. @param {DataSet} dataset @returns {Facts} */
function checkSlice(dataset) {
  if (text(dataset, 'x00080060') !== 'CT') throw new Problem('dicom_modality');
  const kind = text(dataset, 'x00080016');
  if (kind && !SLICES.has(kind)) throw new Problem('dicom_capture');
  if (text(dataset, 'x00080008').split('\\').some((word) => word.trim() === 'LOCALIZER')) throw new Problem('dicom_localizer');
  if (!mayBeAxial(dataset)) throw new Problem('dicom_orientation');
  if (!dataset.elements.x7fe00010) throw new Problem('damaged');
  const frames = text(dataset, 'x00280008') || '1';
  if (!/^\d+$/.test(frames)) throw new Problem('damaged');
  if (Number(frames) > 1) throw new Problem('frames', { frames: Number(frames) });
  const photometric = text(dataset, 'x00280004');
  if (short(dataset, 'x00280002') !== 1 || !['MONOCHROME1', 'MONOCHROME2'].includes(photometric)) throw new Problem('dicom_colours');
  if (!['', 'HU', 'US'].includes(text(dataset, 'x00281054'))) throw new Problem('dicom_unit');
  const [rows, columns] = [short(dataset, 'x00280010'), short(dataset, 'x00280011')];
  const [allocated, bits, high, sign] = ['x00280100', 'x00280101', 'x00280102', 'x00280103'].map((tag) => short(dataset, tag));
  checkSize(columns, rows);
  if (![8, 16].includes(allocated) || bits < 2 || bits > allocated || high !== bits - 1 || sign > 1) throw new Problem('dicom_bits');
  return { rows, columns, allocated, bits, signed: sign === 1, inverted: photometric === 'MONOCHROME1' };
}

/** Whether the slice lies across the body, or does not say how it lies. @param {DataSet} dataset */
function mayBeAxial(dataset) {
  const sides = floats(text(dataset, 'x00200037'), 6);
  if (!sides) return true;
  const [a, b, c, d, e, f] = sides;
  const z = a * e - b * d;
  const length = Math.hypot(b * f - c * e, c * d - a * f, z);
  return !Number.isFinite(length) || length < 1e-6 || Math.abs(z) >= LEAST_AXIAL * length;
}

/** @param {DataSet} dataset @param {string} tag @param {number} least the place of its first digit */
function decimal(dataset, tag, least) {
  const said = text(dataset, tag);
  if (!said) throw new Problem('dicom_rescale');
  const value = ofDecimal(said);
  if (!value || (value.n && (magnitude(value) < least || magnitude(value) > 6))) throw new Problem('dicom_rescale');
  return value;
}

/** A text without the spaces or the zero that make it even. @param {DataSet} dataset @param {string} tag @returns {string} '' where it is not there */
function text(dataset, tag) {
  const element = dataset.elements[tag];
  if (!element || element.length <= 0) return '';
  const said = latin1(/** @type {Uint8Array} */ (dataset.byteArray), element.dataOffset, element.dataOffset + element.length);
  const whole = said.replace(/\0$/, '').trim();
  // A zero within: the element is longer than its text, because its length was changed.
  if (whole.includes('\0')) throw new Problem('damaged');
  return whole;
}

/** A number of two bytes. @param {DataSet} dataset @param {string} tag */
function short(dataset, tag) {
  const element = dataset.elements[tag];
  if (!element || element.length !== 2 || (element.vr && element.vr !== 'US')) throw new Problem('damaged');
  return /** @type {number} */ (dataset.uint16(tag));
}

/** @param {DataSet} dataset @returns {SliceHeader} */
function headerOf(dataset) {
  const number = text(dataset, 'x00200013');
  return {
    patient: text(dataset, 'x00100020'),
    study: text(dataset, 'x0020000d'),
    series: text(dataset, 'x0020000e'),
    instance: text(dataset, 'x00080018'),
    number: /^[+-]?\d+$/.test(number) ? Number(number) : null,
    position: floats(text(dataset, 'x00200032'), 3),
    orientation: floats(text(dataset, 'x00200037'), 6),
  };
}

/** @param {string} said @param {number} count */
function floats(said, count) {
  const numbers = said.split('\\').map((word) => (word.trim() ? Number(word) : NaN));
  return numbers.length === count && numbers.every(Number.isFinite) ? numbers : null;
}

/** Whether the file begins with DICOM elements in little endian, without the usual 128 bytes. @param {Uint8Array} head */
function beginsLikeElements(head) {
  let [at, before] = [0, -1];
  for (let count = 0; count < ENOUGH; count++) {
    if (at + 8 > Math.min(head.length, 4096)) return false;
    const group = u16le(head, at);
    const tag = group * 65536 + u16le(head, at + 2);
    if (tag <= before || (count === 0 && group !== 2 && group !== 8) || group > 0x18) return false;
    const size = sizeOf(head, at);
    if (size === null) return false;
    [at, before] = [at + size, tag];
  }
  return true;
}

/** @param {Uint8Array} head @param {number} at @returns {number | null} the bytes that the element takes */
function sizeOf(head, at) {
  const vr = latin1(head, at + 4, at + 6);
  if (LONG_VRS.has(vr)) {
    const length = at + 12 <= head.length ? u32le(head, at + 8) : LONGEST;
    return length < LONGEST ? 12 + length : null;
  }
  if (VRS.has(vr)) return 8 + u16le(head, at + 6);
  const length = u32le(head, at + 4);
  return length < LONGEST && length % 2 === 0 ? 8 + length : null;
}
