// The check of this device: the bundle's drawn pictures must give what they gave where the bundle was made.

import { hex } from './bytes.js';
import { real } from './engine.js';
import { toPixels } from './pixels.js';
import { Problem } from './problem.js';

/** @typedef {{pictures: number, outputs: number, exact: boolean, largest: number}} Report `largest` difference of a logit */

/**
 * @param {Uint8Array} golden for each picture its gray bytes, then what the network sees of it
 * @param {import('./card.js').Card} card
 */
export function goldenPictures(golden, card) {
  const { size } = card.preprocess;
  let at = 0;
  return card.golden.map(({ width, height, outputs }) => {
    const bytes = golden.subarray(at, (at += width * height));
    const pixels = golden.subarray(at, (at += size * size));
    return { gray: { width, height, bytes }, pixels, outputs };
  });
}

/**
 * Score the drawn pictures. Throws where a byte is missed or, for outputs of float32, the tolerance.
 * @param {import('./engine.js').Engine} engine
 * @param {Uint8Array} golden
 * @returns {Promise<Report>}
 */
export async function checkDevice(engine, golden) {
  const { card } = engine;
  const pictures = goldenPictures(golden, card);
  let largest = 0;
  let exact = true;
  for (const { gray, pixels, outputs } of pictures) {
    if (hex(toPixels(gray, card.preprocess.size)) !== hex(pixels)) throw new Problem('other_pixels');
    const found = await engine.run(pixels);
    for (const spec of card.model.outputs) {
      const difference = differ(found[spec.name], outputs[spec.name], spec, card.tolerance);
      exact &&= difference === 0;
      if (spec.name === 'logit') largest = Math.max(largest, difference);
    }
  }
  return { pictures: pictures.length, outputs: pictures.length * card.model.outputs.length, exact, largest };
}

/**
 * The largest difference of an output from what is recorded.
 * @param {Uint8Array} bytes
 * @param {string} digits
 * @param {import('./card.js').TensorSpec} spec
 * @param {number} tolerance
 */
function differ(bytes, digits, spec, tolerance) {
  if (hex(bytes) === digits) return 0;
  const recorded = Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  if (spec.dtype !== 'float32' || recorded.length !== bytes.length) throw new Problem('other_outputs');
  const wanted = real(recorded, spec);
  const differences = real(bytes, spec).map((value, i) => Math.abs(value - wanted[i]));
  const largest = Math.max(...differences);
  if (!(largest <= tolerance)) throw new Problem('other_outputs');
  return largest;
}
