// The decoders that come as WebAssembly, each made when it is first needed.

import charls from '@cornerstonejs/codec-charls/decodewasmjs';
import libjpeg from '@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs';
import openjpeg from '@cornerstonejs/codec-openjpeg/decodewasmjs';
import { Decoder as LosslessDecoder } from 'jpeg-lossless-decoder-js';
import { Problem } from './problem.js';

/** @typedef {'jpeg' | 'jpeg2000' | 'jpegls'} Codec */
/** @typedef {{width: number, height: number, bits: number, signed: boolean, bytes: Uint8Array}} Samples
 *   one gray picture, its samples of 8 or 16 bits in little endian */

/** @type {(codec: Codec) => Promise<Uint8Array>} */
let wasmOf = () => Promise.reject(new Error('no codecs'));
/** @type {Map<Codec, Promise<any>>} */
const modules = new Map();
const FACTORIES = { jpeg: libjpeg, jpeg2000: openjpeg, jpegls: charls };

/** Say where the decoders' WebAssembly comes from. @param {typeof wasmOf} source */
export function codecsFrom(source) {
  wasmOf = source;
  modules.clear();
}

/** @param {Codec} codec @returns {Promise<any>} */
function load(codec) {
  let module = modules.get(codec);
  if (!module) {
    // A decoder that reports by printing must not print what a file says of somebody.
    const quiet = { print: () => {}, printErr: () => {} };
    module = wasmOf(codec).then((wasm) => FACTORIES[codec]({ wasmBinary: wasm, noInitialRun: true, locateFile: (/** @type {string} */ name) => name, ...quiet }));
    modules.set(codec, module);
  }
  return module;
}

/**
 * Use a decoder; one that fell over is made anew the next time, as its memory may be anything.
 * @template T
 * @param {Codec} codec
 * @param {(module: any) => T} use
 * @returns {Promise<T>}
 */
async function using(codec, use) {
  const module = await load(codec);
  try {
    return use(module);
  } catch (error) {
    modules.delete(codec);
    throw error instanceof Problem ? error : new Problem('damaged');
  }
}

/** Gray, or red, green, blue of each pixel. @param {Uint8Array} file @returns {Promise<Uint8Array>} */
export function decodeJpegSamples(file) {
  return using('jpeg', (module) => {
    const decoder = new module.JPEGDecoder();
    decoder.getEncodedBuffer(file.length).set(file);
    decoder.decode(); // throws for what libjpeg only warns of
    const samples = decoder.getDecodedBuffer().slice();
    decoder.delete();
    return samples;
  });
}

/** @param {Uint8Array} frame @returns {Promise<Samples>} */
export const decodeJpeg2000 = (frame) => using('jpeg2000', (module) => samples(new module.J2KDecoder(), frame));

/** @param {Uint8Array} frame @returns {Promise<Samples>} */
export const decodeJpegLs = (frame) => using('jpegls', (module) => samples(new module.JpegLSDecoder(), frame));

/** @param {any} decoder @param {Uint8Array} frame @returns {Samples} */
function samples(decoder, frame) {
  try {
    decoder.getEncodedBuffer(frame.length).set(frame);
    decoder.decode();
    const { width, height, bitsPerSample, componentCount, isSigned } = decoder.getFrameInfo();
    if (componentCount !== 1) throw new Problem('damaged');
    return { width, height, bits: bitsPerSample, signed: Boolean(isSigned), bytes: decoder.getDecodedBuffer().slice() };
  } finally {
    decoder.delete();
  }
}

/**
 * @param {Uint8Array} frame
 * @param {number} bytes of a sample, 1 or 2
 * @returns {Uint8Array}
 */
export function decodeJpegLossless(frame, bytes) {
  try {
    const samples = new LosslessDecoder().decode(frame.slice().buffer, 0, frame.length, bytes);
    return new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
  } catch {
    throw new Problem('damaged');
  }
}

/**
 * DICOM's RLE (PS3.5 G): segments of PackBits, the upper bytes of all samples first.
 * @param {Uint8Array} frame
 * @param {number} count samples
 * @param {number} width bytes of a sample
 * @returns {Uint8Array} little endian
 */
export function decodeRle(frame, count, width) {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (frame.length < 64 || view.getUint32(0, true) !== width) throw new Problem('damaged');
  const samples = new Uint8Array(count * width);
  for (let segment = 0; segment < width; segment++) {
    const from = view.getUint32(4 + 4 * segment, true);
    const to = segment + 1 < width ? view.getUint32(8 + 4 * segment, true) : frame.length;
    if (from < 64 || to > frame.length || from > to) throw new Problem('damaged');
    unpackBits(frame.subarray(from, to), samples, width - 1 - segment, width);
  }
  return samples;
}

/** @param {Uint8Array} packed @param {Uint8Array} samples @param {number} to @param {number} step */
function unpackBits(packed, samples, to, step) {
  for (let at = 0; to < samples.length; ) {
    if (at >= packed.length) throw new Problem('damaged');
    const control = packed[at++];
    if (control === 128) continue;
    const count = control < 128 ? control + 1 : 257 - control;
    for (let i = 0; i < count && to < samples.length; i++, to += step) samples[to] = packed[control < 128 ? at + i : at];
    at += control < 128 ? count : 1;
    if (at > packed.length) throw new Problem('damaged');
  }
}
