// The golden vectors of the Kotlin core: pixels, heat maps and scores, as android_stub/tools/write_vectors.py writes them.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { label, sigmoid } from '../page/src/decision.js';
import { overlay } from '../page/src/heatmap.js';
import { grayOverBlack, oriented, toPixels } from '../page/src/pixels.js';
import { natural } from '../page/src/series.js';
import { magnitude, ofDecimal, ofDouble } from '../page/src/window.js';

/** Numbers and bytes one after the other, as Java's DataInputStream reads them. */
class Reader {
  constructor(name) {
    this.bytes = readFileSync(`${process.env.VECTORS}/${name}`);
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length);
    this.at = 0;
  }
  int = () => this.view.getInt32((this.at += 4) - 4);
  short = () => this.view.getUint16((this.at += 2) - 2);
  double = () => this.view.getFloat64((this.at += 8) - 8);
  flag = () => this.bytes[this.at++] === 1;
  take = (count) => new Uint8Array(this.bytes.subarray(this.at, (this.at += count)));
}

const same = (a, b) => Buffer.compare(Buffer.from(a.buffer, a.byteOffset, a.length), Buffer.from(b.buffer, b.byteOffset, b.length)) === 0;

test('decoded pictures become the bytes that the network sees', () => {
  const reader = new Reader('pictures.bin');
  const count = reader.int();
  for (let i = 0; i < count; i++) {
    const name = Buffer.from(reader.take(reader.short())).toString();
    const [orientation, width, height] = [reader.int(), reader.int(), reader.int()];
    const argb = reader.take(width * height * 4);
    const rgba = Uint8Array.from(argb, (_, at) => argb[(at & ~3) + (((at & 3) + 1) & 3)]);
    const bytes = new Uint8Array(width * height);
    grayOverBlack(rgba, bytes);
    const size = reader.int();
    const wanted = reader.take(size * size);
    assert.ok(same(toPixels(oriented({ width, height, bytes }, orientation, 1), size), wanted), name);
  }
  assert.equal(count, 200);
});

test('heat maps are those of Python', () => {
  const reader = new Reader('maps.bin');
  const count = reader.int();
  for (let i = 0; i < count; i++) {
    const [size, width, height, across, down] = Array.from({ length: 5 }, reader.int);
    const bytes = reader.take(width * height);
    const values = Float32Array.from({ length: across * down }, reader.double);
    const argb = reader.take(width * height * 4);
    const wanted = Uint8ClampedArray.from(argb, (_, at) => argb[(at & ~3) + (((at & 3) + 1) & 3)]);
    assert.ok(same(overlay({ width, height, bytes }, { width: across, height: down, values }, size), wanted), `map ${i}`);
  }
  assert.equal(count, 30);
});

test('logits become the probabilities and verdicts of Python', () => {
  const reader = new Reader('scores.bin');
  for (let i = reader.int(); i > 0; i--) {
    const [logit, temperature, threshold, probability] = Array.from({ length: 4 }, reader.double);
    const found = sigmoid(logit / temperature);
    assert.ok(Math.abs(found - probability) <= 4 * Number.EPSILON * probability, `${logit}: ${found}`);
    assert.equal(label(found, threshold) === 1, reader.flag());
  }
});

test('decimals are exact, and names are sorted by the numbers in them', () => {
  assert.deepEqual(ofDecimal(' -1.25e2 '), { n: -125n, d: 1n });
  assert.deepEqual(ofDecimal('.5'), { n: 5n, d: 10n });
  for (const word of ['', '.', '1,5', 'NaN', '1e', '0x10', '1\\1']) assert.equal(ofDecimal(word), null, word);
  assert.deepEqual(ofDouble(0.375), { n: 3n, d: 8n });
  assert.equal(magnitude({ n: 999n, d: 1n }), 2);
  assert.equal(magnitude({ n: -1n, d: 1000n }), -3);
  assert.deepEqual(['s10', 's9', 'a', 's9b'].sort(natural), ['a', 's9', 's9b', 's10']);
});
