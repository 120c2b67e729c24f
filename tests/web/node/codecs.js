// The decoders' WebAssembly for tests in Node.

import { readFile } from 'node:fs/promises';
import { codecsFrom } from '../page/src/codecs.js';

const FILES = {
  jpeg: '../node_modules/@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm',
  jpeg2000: '../node_modules/@cornerstonejs/codec-openjpeg/dist/openjpegwasm_decode.wasm',
  jpegls: '../node_modules/@cornerstonejs/codec-charls/dist/charlswasm_decode.wasm',
};

globalThis.ImageData ??= /** @type {any} */ (
  class {
    constructor(data, width, height) {
      Object.assign(this, { data, width, height });
    }
  }
);

codecsFrom((codec) => readFile(new URL(FILES[codec], import.meta.url)));
