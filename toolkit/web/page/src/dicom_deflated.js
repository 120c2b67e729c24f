// A deflated data set, inflated no further than a slice can reach.

import { Inflate } from 'fflate';
import { MAX_PIXELS } from './pixels.js';
import { Problem } from './problem.js';

const MOST = 2 * MAX_PIXELS + (1 << 24);
const STEP = 1 << 16;

/**
 * The data set, inflated.
 * @param {Uint8Array} packed
 */
export function inflated(packed) {
  /** @type {Uint8Array[]} */
  const parts = [];
  let size = 0;
  let ended = false;
  const stream = new Inflate((bytes, final) => {
    parts.push(bytes);
    size += bytes.length;
    ended ||= final;
    if (size > MOST) throw new Problem('too_large');
  });
  for (let at = 0; at < packed.length; at += STEP) stream.push(packed.subarray(at, at + STEP), at + STEP >= packed.length);
  if (!ended) throw new Problem('damaged');
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
