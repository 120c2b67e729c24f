// The page's side of the worker: starts it with the parts that the page carries, and asks it.

import { gunzipSync, strFromU8 } from 'fflate';
import { checksum } from './parts.js';
import { Problem } from './problem.js';

// The smallest modules that use SIMD, and relaxed SIMD: `i8x16.splat`, `i8x16.relaxed_swizzle`.
const HEAD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10];
const SIMD = Uint8Array.from([...HEAD, 8, 1, 6, 0, 65, 0, 253, 15, 11]);
const RELAXED = Uint8Array.from([...HEAD, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2, 253, 15, 253, 128, 2, 11]);

/** @typedef {'relaxed' | 'compat'} Level */
/** @typedef {import('./card.js').Card} Card */
/** @typedef {import('./check.js').Report} Report */

/** The levels of WebAssembly that this browser has, the best first. @returns {Level[]} */
export function levels() {
  if (typeof WebAssembly === 'undefined' || !WebAssembly.validate(SIMD)) throw new Problem('no_simd');
  return WebAssembly.validate(RELAXED) && location.hash !== '#compat' ? ['relaxed', 'compat'] : ['compat'];
}

/** @param {string} text base64 @returns {Uint8Array<ArrayBuffer>} */
function fromBase64(text) {
  const from = /** @type {any} */ (Uint8Array).fromBase64;
  try {
    if (from) return from.call(Uint8Array, text);
    const digits = atob(text);
    const bytes = new Uint8Array(digits.length);
    for (let i = 0; i < digits.length; i++) bytes[i] = digits.charCodeAt(i);
    return bytes;
  } catch {
    throw new Problem('damaged_site');
  }
}

/** A part of the page, packed. @param {string} name */
function part(name) {
  const element = document.getElementById(`part-${name}`);
  if (!element?.textContent) throw new Problem('changed_part', { part: name });
  return fromBase64(element.textContent.trim());
}

const WORKER_PARTS = ['golden', 'jpeg', 'jpeg2000', 'jpegls', 'model'];

/** A worker that scores. */
export class Client {
  /** @param {Card} card */
  constructor(card) {
    this.card = card;
    /** @type {Worker | null} */
    this.worker = null;
    this.last = 0;
    /** @type {Map<number, {resolve: (value: any) => void, reject: (problem: Problem) => void, watch?: (done: number, total: number) => void}>} */
    this.asked = new Map();
    /** @type {Level} */
    this.level = 'compat';
  }

  /** Start the worker and check the device, by the best level that gives the recorded answers. @returns {Promise<Report>} */
  async start() {
    const possible = levels();
    for (const [place, level] of possible.entries()) {
      this.level = level;
      try {
        this.open();
        return await this.ask('begin', { card: this.card, level, parts: this.parts() });
      } catch (error) {
        this.stop();
        const other = error instanceof Problem && ['other_outputs', 'no_simd', 'no_runtime'].includes(error.code);
        if (!other || place === possible.length - 1) throw error;
      }
    }
    throw new Problem('no_simd');
  }

  parts() {
    const names = [...WORKER_PARTS, this.level, ...(this.card.test_images ? ['testset'] : [])];
    return Object.fromEntries(names.map((name) => [name, part(name)]));
  }

  /** The runtime's script and ours as one: a worker from a Blob is bound by the page's policy, one from a URL is not. */
  open() {
    const name = `${this.level}_js`;
    let glue;
    try {
      glue = gunzipSync(part(name));
    } catch {
      throw new Problem('changed_part', { part: name });
    }
    if (checksum(glue) !== this.card.parts[name]) throw new Problem('changed_part', { part: name });
    const own = document.getElementById('worker')?.textContent ?? '';
    const url = URL.createObjectURL(new Blob([strFromU8(glue), '\n', own], { type: 'text/javascript' }));
    try {
      this.worker = new Worker(url);
    } catch {
      throw new Problem('no_worker');
    }
    this.worker.addEventListener('message', (event) => this.hear(event.data));
    this.worker.addEventListener('error', () => this.fail(new Problem('worker_died')));
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  }

  /** @param {{id: number, result?: any, problem?: import('./problem.js').Said, done?: number, total?: number}} message */
  hear({ id, result, problem, done, total }) {
    const waiting = this.asked.get(id);
    if (!waiting) return;
    if (done !== undefined && total !== undefined) return waiting.watch?.(done, total);
    this.asked.delete(id);
    if (problem) waiting.reject(new Problem(problem.code, problem.values));
    else waiting.resolve(result);
  }

  /** @param {Problem} problem */
  fail(problem) {
    const waiting = [...this.asked.values()];
    this.asked.clear();
    this.stop();
    for (const { reject } of waiting) reject(problem);
  }

  stop() {
    this.worker?.terminate();
    this.worker = null;
  }

  /**
   * @param {'begin' | 'look' | 'bench'} work
   * @param {any} content
   * @param {Transferable[]} [transfer]
   * @param {(done: number, total: number) => void} [watch]
   * @returns {Promise<any>}
   */
  ask(work, content, transfer = [], watch) {
    return new Promise((resolve, reject) => {
      if (!this.worker) return reject(new Problem('worker_died'));
      const id = ++this.last;
      this.asked.set(id, { resolve, reject, watch });
      this.worker.postMessage({ id, work, content }, transfer);
    });
  }

  /** @param {Blob} file @returns {Promise<import('./worker.js').Finding>} */
  async look(file) {
    let buffer;
    try {
      buffer = await file.arrayBuffer();
    } catch {
      throw new Problem('unreadable');
    }
    if (!this.worker) await this.start(); // the browser had ended it
    return this.ask('look', new Uint8Array(buffer), [buffer]);
  }
}
