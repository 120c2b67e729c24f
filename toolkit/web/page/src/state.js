// What the page knows of the pictures: nothing is kept when it is closed.

import { highest, seriesScore } from './decision.js';
import { Problem } from './problem.js';
import { inOrder } from './series.js';

/** The number of slices to average where the bundle does not say: that of `hemotk predict --series`. */
const TOP_K = 3;

/** @typedef {import('./card.js').Card} Card */
/** @typedef {import('./worker.js').Finding} Finding */
/**
 * @typedef {object} Item
 * @property {number} id
 * @property {string} name
 * @property {string} key tells files apart
 * @property {Blob | null} file until it was looked at
 * @property {'waiting' | 'looking' | 'done' | 'failed'} state
 * @property {Finding | null} finding
 * @property {import('./problem.js').Said | null} problem
 */
/** @typedef {{items: Item[], selected: number | null, series: boolean, heatmap: boolean, last: number}} State */

/** @returns {State} */
export const emptyState = () => ({ items: [], selected: null, series: false, heatmap: true, last: 0 });

/** @param {State} state @param {Iterable<File>} files @returns {Item[]} the new items */
export function addFiles(state, files) {
  const added = Array.from(files, (file) => {
    const path = file.webkitRelativePath || file.name || '?';
    const key = `${path} ${file.size} ${file.lastModified}`;
    return /** @type {Item} */ ({ id: ++state.last, name: file.name || '?', key, file, state: 'waiting', finding: null, problem: null });
  });
  state.items.push(...added);
  return added;
}

/** @param {Item} item */
const slice = (item) => ({ item, name: item.name, key: item.key, header: item.finding?.header ?? null });

/**
 * The items as they are shown: those of a series in its order, once all are there.
 * @param {State} state
 * @returns {Item[]}
 */
export function shownItems(state) {
  if (!state.series || state.items.some((item) => item.state !== 'done')) return state.items;
  try {
    return inOrder(state.items.map(slice)).map(({ item }) => item);
  } catch {
    return state.items;
  }
}

/**
 * @typedef {object} SeriesVerdict
 * @property {Item[]} items in order
 * @property {number[]} probabilities
 * @property {number} k
 * @property {Set<number>} highest
 * @property {number} score
 * @property {number} threshold
 * @property {0 | 1} label
 * @property {boolean} assumed whether nothing was chosen in training
 */

/** The verdict of the series; throws where the slices are not of one. @param {State} state @param {Card} card @returns {SeriesVerdict} */
export function seriesVerdict(state, card) {
  const items = inOrder(state.items.map(slice)).map(({ item }) => item);
  const probabilities = items.map(({ finding }) => {
    if (!finding) throw new Problem('unreadable');
    return finding.probability;
  });
  const point = card.study ?? { k: TOP_K, threshold: card.threshold };
  const score = seriesScore(probabilities, point.k);
  return {
    items,
    probabilities,
    k: Math.min(point.k, items.length),
    highest: highest(probabilities, point.k),
    score,
    threshold: point.threshold,
    label: score >= point.threshold ? 1 : 0,
    assumed: !card.study,
  };
}
