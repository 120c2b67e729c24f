// The parts that the page carries, unpacked and held against their recorded checksums.

import { sha256 } from '@noble/hashes/sha2.js';
import { gunzipSync } from 'fflate';
import { hex } from './bytes.js';
import { Problem } from './problem.js';

/**
 * @param {Uint8Array} packed gzip
 * @param {string} name
 * @param {import('./card.js').Card} card
 * @returns {Uint8Array}
 */
export function unpack(packed, name, card) {
  let bytes;
  try {
    bytes = gunzipSync(packed);
  } catch {
    throw new Problem('changed_part', { part: name });
  }
  if (hex(sha256(bytes)) !== card.parts[name]) throw new Problem('changed_part', { part: name });
  return bytes;
}

/** @param {Uint8Array} bytes */
export const checksum = (bytes) => hex(sha256(bytes));
