// The worker: decodes, scores and benches. It holds the model and no picture for longer than it looks at it.

import { bench } from './bench.js';
import { decodeByBrowser } from './browser_pictures.js';
import { checkDevice, goldenPictures } from './check.js';
import { codecsFrom } from './codecs.js';
import { decided, label } from './decision.js';
import { Engine } from './engine.js';
import { unpack } from './parts.js';
import { decodePicture } from './picture.js';
import { resized, toPixels } from './pixels.js';
import { judge, measure } from './plausible.js';
import { Problem, said } from './problem.js';

/** The longer side of what is shown, in pixels; a slice is smaller, and then shown as it is. */
const SHOWN = 1024;

/** @typedef {import('./card.js').Card} Card */
/** @typedef {import('./pixels.js').Gray} Gray */
/** @typedef {{card: Card, level: string, parts: Record<string, Uint8Array>}} Start packed parts by name */
/**
 * @typedef {object} Finding
 * @property {number} logit
 * @property {number} probability
 * @property {0 | 1} label
 * @property {import('./plausible.js').Doubt[]} doubts
 * @property {import('./heatmap.js').Cam | null} cam
 * @property {Gray} shown the picture, made smaller where it is large
 * @property {number} width
 * @property {number} height
 * @property {import('./dicom.js').SliceHeader | null} header
 * @property {boolean} corrected
 * @property {boolean} foreign
 * @property {Record<string, Uint8Array>} outputs
 * @property {number} milliseconds of decoding and scoring
 */

/** @type {Engine} */
let engine;
/** @type {Uint8Array} */
let golden;
/** @type {Uint8Array | null} */
let testset = null;
let loadNs = 1;

/** @param {Start} start */
async function begin({ card, level, parts }) {
  codecsFrom(async (codec) => unpack(parts[codec], codec, card));
  golden = unpack(parts.golden, 'golden', card);
  if (parts.testset) testset = unpack(parts.testset, 'testset', card);
  const model = unpack(parts.model, 'model', card);
  const wasm = unpack(parts[level], level, card);
  if (card.parts.model !== card.model.sha256) throw new Problem('changed_part', { part: 'model' });
  const began = performance.now();
  engine = await Engine.open(wasm, model, card);
  loadNs = Math.max(Math.round((performance.now() - began) * 1e6), 1);
  for (const name of ['model', 'golden', 'testset', 'relaxed', 'compat']) delete parts[name];
  return checkDevice(engine, golden);
}

/** @param {Uint8Array} file @returns {Promise<Finding>} */
async function look(file) {
  const began = performance.now();
  const { card } = engine;
  const { gray, colours, header, corrected, foreign } = await decodePicture(file, card.preprocess, decodeByBrowser);
  const doubts = judge(measure(gray, colours));
  const { logit, outputs, cam } = await engine.answer(toPixels(gray, card.preprocess.size));
  const probability = decided(logit, outputs.logit, card);
  return {
    logit,
    probability,
    label: label(probability, card.threshold),
    doubts,
    cam,
    shown: smaller(gray),
    width: gray.width,
    height: gray.height,
    header,
    corrected,
    foreign,
    outputs,
    milliseconds: performance.now() - began,
  };
}

/** @param {Gray} gray @returns {Gray} */
function smaller(gray) {
  const scale = SHOWN / Math.max(gray.width, gray.height);
  if (scale >= 1) return gray;
  const [width, height] = [Math.max(Math.round(gray.width * scale), 1), Math.max(Math.round(gray.height * scale), 1)];
  return { width, height, bytes: resized(gray, width, height, 1) };
}

/** What the bench scores: the test set, or else the drawn pictures. */
function benched() {
  const { card } = engine;
  if (!testset) return goldenPictures(golden, card).map(({ pixels }) => pixels);
  const length = card.preprocess.size ** 2;
  const all = testset;
  return Array.from({ length: card.test_images }, (_, row) => all.subarray(row * length, (row + 1) * length));
}

/** @type {Record<string, (content: any, tell: (done: number, total: number) => void) => Promise<any>>} */
const WORK = {
  begin,
  look,
  bench: ({ settings, device }, tell) => bench(engine, benched(), settings, { ...device, loadNs }, tell),
};

let queue = Promise.resolve();

// One after the other: two pictures at once would need the memory of both.
self.addEventListener('message', (event) => {
  const { id, work, content } = event.data;
  queue = queue.then(async () => {
    const post = (/** @type {object} */ answer) => self.postMessage({ id, ...answer });
    try {
      post({ result: await WORK[work](content, (done, total) => post({ done, total })) });
    } catch (error) {
      const code = work === 'begin' ? (error instanceof WebAssembly.CompileError ? 'no_simd' : 'no_runtime') : 'unreadable';
      post({ problem: said(error, code) });
    }
  });
});
