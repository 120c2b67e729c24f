// Times and scores the model on this device, for `hemotk bench --import`.

import { hex } from './bytes.js';
import { checksum } from './parts.js';

const RUNS_A_ROUND = 10;
const SAMPLES = 16;

/** @typedef {{runs: number, warmup: number}} Settings */
/** @typedef {{loadNs: number, level: string, browser: string, system: string, cores: number}} Device */

/**
 * @param {import('./engine.js').Engine} engine
 * @param {Uint8Array[]} images what the network sees, in the order of their numbers
 * @param {Settings} settings
 * @param {Device} device
 * @param {(done: number, total: number) => void} watch
 */
export async function bench(engine, images, settings, device, watch) {
  let next = 0;
  const samples = images.slice(0, SAMPLES);
  const inference = async () => nanoseconds((await engine.timed(samples[next++ % samples.length])).milliseconds);
  const first = await inference();
  const warmup = [];
  for (let i = 0; i < settings.warmup; i++) warmup.push(await inference());
  const rounds = [];
  const total = settings.runs + images.length;
  for (let done = 0; done < settings.runs; ) {
    const round = [];
    for (; round.length < RUNS_A_ROUND && done < settings.runs; done++) round.push(await inference());
    rounds.push(round);
    watch(done, total);
  }
  const found = [];
  for (const [row, pixels] of images.entries()) {
    const outputs = await engine.run(pixels);
    found.push({ id: String(row), input_sha256: checksum(pixels), logit: hex(outputs.logit), probability: hex(outputs.probability) });
    if (row % 10 === 9) watch(settings.runs + row, total);
  }
  return report(engine.card, device, { first, warmup, rounds, images: found });
}

/** @param {number} milliseconds A browser's clock may stand still for a moment. */
const nanoseconds = (milliseconds) => Math.max(Math.round(milliseconds * 1e6), 1);

/**
 * @param {import('./card.js').Card} card
 * @param {Device} device
 * @param {{first: number, warmup: number[], rounds: number[][], images: object[]}} measured
 */
function report(card, device, { first, warmup, rounds, images }) {
  return {
    schema: 'hemotk.device-bench/1',
    created: now(),
    app: `hemotk web ${card.hemotk}`,
    device: { maker: 'browser', model: device.browser, soc: '', system: device.system, abi: device.level, cores: device.cores, thermal_before: null, thermal_after: null },
    runtime: '@litertjs/core',
    runtime_version: card.runtime,
    delegate: 'xnnpack',
    threads: 1,
    models: [
      {
        file: card.model.file,
        sha256: card.model.sha256,
        failure: '',
        load_ns: device.loadNs,
        first_ns: first,
        warmup_ns: warmup,
        rounds_ns: rounds,
        peak_memory_bytes: null,
        images,
      },
    ],
  };
}

/** The time with its offset, as ISO 8601 has it. */
function now() {
  const date = new Date();
  const offset = -date.getTimezoneOffset();
  const local = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, 19);
  const two = (/** @type {number} */ value) => String(Math.floor(Math.abs(value))).padStart(2, '0');
  return `${local}${offset < 0 ? '-' : '+'}${two(offset / 60)}:${two(Math.abs(offset) % 60)}`;
}
