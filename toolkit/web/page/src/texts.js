// The words of the page in the language of its reader.

import { de } from './texts/de.js';
import { en } from './texts/en.js';

/** @typedef {import('./texts/en.js').Texts} Texts */

/** @type {Record<string, Texts>} */
export const LANGUAGES = { en, de };
let chosen = 'en';

/** The language of the browser, where there are words in it. */
export function preferred() {
  const wanted = navigator.languages ?? [navigator.language];
  return wanted.map((tag) => tag.slice(0, 2).toLowerCase()).find((tag) => tag in LANGUAGES) ?? 'en';
}

/** @param {string} language */
export function choose(language) {
  chosen = language in LANGUAGES ? language : 'en';
}

export const language = () => chosen;
export const texts = () => LANGUAGES[chosen];

/** @typedef {Record<string, string | number>} Values */

/** A text with its values. @param {string} text @param {Values} [values] */
export const fill = (text, values = {}) => text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));

/** The text of that key. @param {keyof Texts} key @param {Values} [values] */
export function say(key, values) {
  const text = texts()[key];
  return typeof text === 'string' ? fill(text, values) : '';
}

/** The sentence of a problem. @param {import('./problem.js').Said} problem */
export function sentence({ code, values }) {
  const problems = /** @type {Record<string, string>} */ (texts().problems);
  return fill(problems[code] ?? problems.unreadable, values);
}

/** A label of the bundle. @param {string} label */
export const labelText = (label) => /** @type {Record<string, string>} */ (texts().labels)[label] ?? label;

/** A number with so many digits after the point, as the language writes it. @param {number} value @param {number} [digits] */
export function number(value, digits = 4) {
  return new Intl.NumberFormat(chosen, { minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: false }).format(value);
}

/** A number as short as it can be. @param {number} value */
export const short = (value) => new Intl.NumberFormat(chosen, { maximumFractionDigits: 4, useGrouping: false }).format(value);

/**
 * A tiny number, as people read it.
 * @param {number} value
 */
export function tiny(value) {
  return value === 0 ? '0' : value.toExponential(1);
}
