// What a site says of its bundle: `site.json`, as `hemotk.artifacts.SiteCard` writes it.

import { Problem } from './problem.js';

export const SCHEMA = 'hemotk.site/1';

/** @typedef {{name: string, dtype: 'uint8' | 'float32', shape: number[], scale: number, zero_point: number}} TensorSpec */
/** @typedef {{file: string, kind: string, sha256: string, bytes: number, input: TensorSpec, outputs: TensorSpec[]}} Model */
/** @typedef {{value: number | null, low: number | null, high: number | null}} Estimate */
/**
 * @typedef {object} Card
 * @property {string} schema
 * @property {string} created
 * @property {string} hemotk the version that made the site
 * @property {string} bundle
 * @property {string} arch
 * @property {[string, string]} labels
 * @property {{size: number, window_level: number, window_width: number, hu_offset?: number | null, scale: number, zero_point: number}} preprocess
 * @property {number} threshold
 * @property {number} temperature
 * @property {{k: number, threshold: number} | null} [study]
 * @property {Model} model
 * @property {number} tolerance of the logit, for outputs of float32
 * @property {{width: number, height: number, outputs: Record<string, string>}[]} golden
 * @property {number[]} probabilities of each value of a logit of uint8; empty for float32
 * @property {number} test_images
 * @property {{count: number, positives: number, sensitivity: Estimate, specificity: Estimate, auc: Estimate} | null} metrics
 * @property {string} intended_use
 * @property {Record<string, string>} parts SHA-256 of each, by name
 * @property {Record<string, string>} parents
 * @property {string} runtime
 */

/** @param {string} text @returns {Card} */
export function parseCard(text) {
  try {
    const card = JSON.parse(text);
    const fits = card.schema === SCHEMA && card.golden.length > 0 && card.labels.length === 2 && card.threshold > 0;
    if (!fits) throw new Problem('damaged_site');
    return card;
  } catch {
    throw new Problem('damaged_site');
  }
}
