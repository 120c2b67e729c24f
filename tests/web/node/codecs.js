// The decoders' WebAssembly for tests in Node.

import { readFile } from 'node:fs/promises';
import { codecsFrom } from '../page/src/codecs.js';

const FILES = {
  jpeg: '../node_modules/@cornerstonejs/codec-libjpeg-turbo-8bit/dist/libjpegturbowasm_decode.wasm',
  jpeg2000: '../node_modules/@cornerstonejs/codec-openjpeg/dist/openjpegwasm_decode.wasm',
  jpegls: '../node_modules/@cornerstonejs/codec-charls/dist/charlswasm_decode.wasm',
};

codecsFrom((codec) => readFile(new URL(FILES[codec], import.meta.url)));
