// What is seen of pictures and series.

import { el, paint } from './dom.js';
import { overlay } from './heatmap.js';
import { fill, labelText, number, say, sentence, short, texts, tiny } from './texts.js';

/** @typedef {import('./state.js').Item} Item */
/** @typedef {import('./card.js').Card} Card */

const THUMBNAIL = 96;

/** @param {Card} card @param {number} label */
const verdictOf = (card, label) => labelText(card.labels[label]);

/** A bar as long as the probability, with a mark at the threshold. @param {number} probability @param {number} threshold */
function bar(probability, threshold) {
  const length = el('span', { class: 'length' });
  const mark = el('span', { class: 'mark' });
  length.style.width = `${100 * probability}%`;
  mark.style.left = `${100 * threshold}%`;
  return el('span', { class: 'bar', 'aria-hidden': 'true' }, length, mark);
}

/** The picture in small. @param {import('./pixels.js').Gray} gray */
function thumbnail(gray) {
  const whole = el('canvas');
  paint(whole, gray);
  const canvas = el('canvas', { class: 'thumbnail', 'aria-hidden': 'true', width: THUMBNAIL, height: THUMBNAIL });
  const scale = THUMBNAIL / Math.max(gray.width, gray.height);
  const [w, h] = [gray.width * scale, gray.height * scale];
  canvas.getContext('2d')?.drawImage(whole, (THUMBNAIL - w) / 2, (THUMBNAIL - h) / 2, w, h);
  return canvas;
}

/** @type {WeakMap<object, HTMLCanvasElement>} */
const thumbnails = new WeakMap();

/** @param {import('./worker.js').Finding} finding */
function thumbnailOf(finding) {
  let made = thumbnails.get(finding);
  if (!made) thumbnails.set(finding, (made = thumbnail(finding.shown)));
  return made;
}

/**
 * A line of the list.
 * @param {Item} item
 * @param {Card} card
 * @param {boolean} selected
 * @param {() => void} select
 */
export function row(item, card, selected, select) {
  const { finding, problem } = item;
  const name = el('span', { class: 'name' }, item.name);
  if (problem) return el('li', { class: 'failed' }, el('span', { class: 'blank', 'aria-hidden': 'true' }, '!'), el('div', { class: 'words' }, name, el('span', {}, sentence(problem))));
  if (!finding) return el('li', { class: 'pending' }, el('span', { class: 'blank', 'aria-hidden': 'true' }), el('div', { class: 'words' }, name, el('span', {}, say(item.state === 'looking' ? 'looking' : 'waiting'))));
  const button = el(
    'button',
    { type: 'button', class: 'row', 'aria-pressed': String(selected), 'data-label': finding.label, click: select },
    thumbnailOf(finding),
    el(
      'span',
      { class: 'words' },
      name,
      el('strong', { class: 'verdict' }, verdictOf(card, finding.label)),
      el('span', { class: 'figure' }, say('probability', { probability: number(finding.probability) })),
      bar(finding.probability, card.threshold),
      finding.doubts.length > 0 && el('span', { class: 'doubt' }, doubtful(finding.doubts)),
    ),
  );
  return el('li', {}, button);
}

/** @param {readonly import('./plausible.js').Doubt[]} doubts */
const doubtful = (doubts) => say('doubtful', { doubts: doubts.map((doubt) => texts().doubts[doubt]).join(texts().and) });

/**
 * The picture that is looked at, with its verdict and its map.
 * @param {Item} item
 * @param {Card} card
 * @param {boolean} withMap
 * @param {{toggle: (on: boolean) => void, save: (canvas: HTMLCanvasElement) => void}} act
 */
export function detail(item, card, withMap, act) {
  const finding = /** @type {import('./worker.js').Finding} */ (item.finding);
  const verdict = verdictOf(card, finding.label);
  const values = { name: item.name, verdict, probability: number(finding.probability) };
  const canvas = el('canvas', { class: 'picture', role: 'img', 'aria-label': say('picture_alt', values) });
  const map = finding.cam && withMap ? overlay(finding.shown, finding.cam, card.preprocess.size) : undefined;
  paint(canvas, finding.shown, map);
  return el(
    'article',
    { class: 'detail', 'data-label': finding.label },
    el('h2', { class: 'verdict', tabindex: -1 }, verdict),
    el('p', { class: 'figure' }, say('probability', values), ' · ', say('threshold', { threshold: short(card.threshold) })),
    bar(finding.probability, card.threshold),
    finding.doubts.length > 0 && el('p', { class: 'doubt' }, doubtful(finding.doubts)),
    finding.corrected && el('p', { class: 'remark' }, say('corrected')),
    finding.foreign && el('p', { class: 'doubt' }, say('foreign')),
    el('figure', {}, canvas, el('figcaption', {}, item.name, el('br'), say('sides', { width: finding.width, height: finding.height, milliseconds: number(finding.milliseconds, 0) }))),
    finding.cam && mapControls(withMap, act.toggle),
    el('p', { class: 'notice' }, say('notice')),
    el('button', { type: 'button', class: 'quiet', click: () => act.save(canvas) }, say('save_picture')),
  );
}

/** @param {boolean} on @param {(on: boolean) => void} toggle */
function mapControls(on, toggle) {
  const box = el('input', { type: 'checkbox', checked: on, id: 'heatmap', change: () => toggle(box.checked) });
  return el(
    'div',
    { class: 'map' },
    el('label', { class: 'check', for: 'heatmap' }, box, say('heatmap')),
    on && el('div', { class: 'scale' }, el('span', {}, say('scale_low')), el('span', {}, '0'), el('span', {}, say('scale_high'))),
    on && el('p', { class: 'remark' }, say('scale')),
  );
}

/**
 * The series with its verdict and its strip.
 * @param {import('./state.js').SeriesVerdict} series
 * @param {Card} card
 * @param {number | null} selected
 * @param {(item: Item) => void} select
 */
export function seriesView(series, card, selected, select) {
  const bars = series.items.map((item, place) => {
    const label = say('slice', { place: place + 1, probability: number(series.probabilities[place]) });
    const button = el('button', {
      type: 'button',
      class: series.highest.has(place) ? 'slice highest' : 'slice',
      title: label,
      'aria-label': label,
      'aria-pressed': String(item.id === selected),
      click: () => select(item),
    });
    const length = el('span');
    length.style.height = `${Math.max(100 * series.probabilities[place], 1)}%`;
    button.append(length);
    return button;
  });
  const line = el('span', { class: 'line', 'aria-hidden': 'true' });
  line.style.bottom = `${100 * series.threshold}%`;
  return el(
    'section',
    { class: 'detail series', 'data-label': series.label, 'aria-labelledby': 'series-title' },
    el('p', { class: 'kind', id: 'series-title' }, say('series_title', { slices: series.items.length })),
    el('h2', { class: 'verdict' }, verdictOf(card, series.label)),
    el('p', { class: 'figure' }, say('series_score', { k: series.k, probability: number(series.score) }), ' · ', say('threshold', { threshold: short(series.threshold) })),
    bar(series.score, series.threshold),
    series.assumed && el('p', { class: 'remark' }, say('series_assumed', { k: series.k })),
    el('div', { class: 'strip', role: 'group', 'aria-label': say('strip') }, line, ...bars),
    el('p', { class: 'remark' }, say('strip')),
    el('p', { class: 'notice' }, say('notice')),
  );
}

/** @param {string} title @param {...(Node | string | false | null)} children */
export const fold = (title, ...children) => el('details', {}, el('summary', {}, title), ...children.filter((child) => child !== false && child !== null));

/** @param {Card} card */
export function aboutModel(card) {
  const { facts } = texts();
  const { metrics } = card;
  /** @param {import('./card.js').Estimate} each */
  const estimate = ({ value, low, high }) => (value === null || low === null || high === null ? facts.none : fill(facts.estimate, { value: number(value, 3), low: number(low, 3), high: number(high, 3) }));
  /** @type {[string, string][]} */
  const lines = [
    [facts.arch, card.arch],
    [facts.input, fill(facts.input_value, { size: card.preprocess.size, level: short(card.preprocess.window_level), width: short(card.preprocess.window_width) })],
    [facts.decision, `${short(card.threshold)}, ${short(card.temperature)}`],
  ];
  if (metrics) {
    lines.push([facts.test, fill(facts.test_value, { count: metrics.count, positives: metrics.positives, label: labelText(card.labels[1]) })]);
    lines.push([facts.sensitivity, estimate(metrics.sensitivity)], [facts.specificity, estimate(metrics.specificity)], [facts.auc, estimate(metrics.auc)]);
  }
  lines.push([facts.use, facts.use_value], [facts.file, `${card.model.file} (${short(card.model.bytes / 1e6)} MB)`]);
  lines.push([facts.checksum, card.model.sha256], [facts.made, `${card.created}, hemotk ${card.hemotk}`]);
  return fold(
    say('card'),
    el('p', {}, say('threshold_long', { label: labelText(card.labels[1]), threshold: short(card.threshold) })),
    el('dl', {}, ...lines.flatMap(([term, value]) => [el('dt', {}, term), el('dd', {}, value)])),
  );
}

/** @param {import('./check.js').Report} report @param {import('./client.js').Level} level */
export function aboutDevice(report, level) {
  const { device_text: lines, device_near: near, levels } = texts();
  const shown = report.exact ? lines : [lines[0], lines[1], near, lines[3]];
  const values = { pictures: report.pictures, outputs: report.outputs, largest: tiny(report.largest), level: levels[level] };
  return fold(say('device'), el('ul', {}, ...shown.map((line) => el('li', {}, fill(line, values)))));
}
