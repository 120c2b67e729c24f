// Picture files of many kinds become the bytes of Python; argument: the folder that write_families.py wrote.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import './codecs.js';
import { decodePicture } from '../page/src/picture.js';
import { toPixels } from '../page/src/pixels.js';
import { judge, measure } from '../page/src/plausible.js';
import { Problem } from '../page/src/problem.js';

const FOLDER = process.env.FAMILIES;
const SPEC = { window_level: 40, window_width: 80 };
// Python guesses at these, or has a decoder that the page has not: the page has a sentence.
const STRICTER = JSON.parse(await readFile(new URL('./stricter.json', import.meta.url), 'utf-8'));
// Only the page can decode these where Python has no python-gdcm: they are held against what was compressed.
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const expected = JSON.parse(await readFile(`${FOLDER}/expected.json`, 'utf-8'));

async function seen(name) {
  try {
    const { gray, colours } = await decodePicture(new Uint8Array(await readFile(`${FOLDER}/${name}`)), SPEC);
    const looks = measure(gray, colours);
    return {
      sides: [gray.width, gray.height],
      gray: sha256(gray.bytes),
      pixels: sha256(toPixels(gray, 64)),
      measures: [looks.coloured, looks.corner, looks.contrast, looks.aspect, looks.outline, looks.hollow],
      doubts: judge(looks).length,
    };
  } catch (error) {
    assert.ok(error instanceof Problem, `${name}: ${error.stack}`);
    return { problem: error.code };
  }
}

for (const [name, wanted] of Object.entries(expected)) {
  test(name, async () => {
    const found = await seen(name);
    if (STRICTER[name]) assert.deepEqual(found, { problem: STRICTER[name] });
    else if (wanted.error) assert.ok(found.problem, `Python refuses it: ${wanted.error}`);
    else assert.deepEqual(found, wanted);
  });
}
