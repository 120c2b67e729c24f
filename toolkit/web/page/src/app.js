// The page: takes pictures, has them scored one after the other, and shows what came of it.

import { benchView } from './bench_view.js';
import { parseCard } from './card.js';
import { Client } from './client.js';
import { csv } from './csv.js';
import { byId, el, saveBlob, saveText } from './dom.js';
import { Problem, said } from './problem.js';
import { addFiles, emptyState, seriesVerdict, shownItems } from './state.js';
import { LANGUAGES, choose, labelText, language, preferred, say, sentence, texts, tiny } from './texts.js';
import { aboutDevice, aboutModel, detail, fold, row, seriesView } from './views.js';

/** @typedef {import('./card.js').Card} Card */
/** @typedef {import('./state.js').Item} Item */

const state = emptyState();
/** @type {Card} */
let card;
/** @type {Client} */
let client;
/** @type {import('./check.js').Report | null} */
let report = null;
/** @type {import('./problem.js').Said | null} */
let refusal = null;
/** @type {'offline_ready' | 'offline_refused' | null} */
let offline = null;
let running = false;

function main() {
  choose(preferred());
  drawFrame();
  status('loading');
  takeFiles();
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', start);
  else start();
}

async function start() {
  try {
    card = parseCard(byId('card').textContent ?? '');
    drawFrame();
    status('checking');
    client = new Client(card);
    report = await client.start();
  } catch (error) {
    refusal = said(error, 'no_runtime');
  }
  draw();
  if (!report) return;
  work();
  await storePage();
  drawOffline();
}

/** The words that stand still. */
function drawFrame() {
  document.documentElement.lang = language();
  document.title = `hemotk: ${say('title')}`;
  byId('title').textContent = say('title');
  byId('notice').textContent = say('notice');
  byId('bundle').textContent = card ? say('bundle', { bundle: card.bundle, arch: card.arch }) : '';
  byId('pick-words').textContent = say('pick');
  byId('photo-words').textContent = say('photo');
  byId('hint').textContent = say('hint');
  byId('series-words').textContent = say('series');
  byId('list-title').textContent = say('list');
  const choices = Object.entries(LANGUAGES).map(([code, { language: name }]) => el('option', { value: code, lang: code, selected: code === language() }, name));
  const select = el('select', { id: 'language', change: () => speak(select.value) }, ...choices);
  byId('languages').replaceChildren(el('label', { for: 'language' }, say('languages')), ' ', select);
}

/** @param {string} code */
function speak(code) {
  choose(code);
  drawFrame();
  draw();
  byId('language').focus();
}

/** @param {'loading' | 'checking' | 'ready' | 'ready_near'} key */
function status(key) {
  byId('status').dataset.state = key;
  byId('status').textContent = say(key, report ? { pictures: report.pictures, largest: tiny(report.largest) } : {});
}

/** Everything that changes. */
function draw() {
  if (refusal) {
    byId('status').dataset.state = 'refused';
    byId('status').textContent = `${say('refused')} ${sentence(refusal)}`;
    byId('pick').hidden = true;
    state.items = [];
  } else if (report) status(report.exact ? 'ready' : 'ready_near');
  drawList();
  drawSelected();
  drawSeries();
  drawFolds();
}

function drawList() {
  const items = shownItems(state);
  byId('pictures').hidden = items.length === 0;
  byId('list').replaceChildren(...items.map((item) => line(item)));
  drawProgress();
  byId('acts').replaceChildren(
    el('button', { type: 'button', class: 'quiet', click: saveTable }, say('csv')),
    el('button', { type: 'button', class: 'quiet', click: removeAll }, say('clear')),
    el('p', { class: 'remark' }, say('csv_note')),
  );
}

/** @param {Item} item */
function line(item) {
  const made = row(item, card, item.id === state.selected, () => select(item, true));
  made.id = `item-${item.id}`;
  return made;
}

/** @param {Item} item Draw its line anew, not the whole list. */
function drawLine(item) {
  document.getElementById(`item-${item.id}`)?.replaceWith(line(item));
  drawProgress();
}

function drawProgress() {
  const done = state.items.filter((item) => item.state === 'done' || item.state === 'failed').length;
  byId('progress').textContent = state.items.length > 1 ? say('progress', { done, total: state.items.length }) : '';
}

/** @param {Item} item @param {boolean} [focus] */
function select(item, focus = false) {
  const before = state.items.find(({ id }) => id === state.selected);
  state.selected = item.id;
  if (before) drawLine(before);
  drawLine(item);
  drawSelected();
  drawSeries();
  if (!focus) return;
  const heading = byId('selected').querySelector('h2');
  heading?.focus({ preventScroll: true });
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
  byId('selected').scrollIntoView({ behavior: still ? 'auto' : 'smooth', block: 'start' });
}

function drawSelected() {
  const item = state.items.find(({ id }) => id === state.selected);
  const act = {
    toggle: (/** @type {boolean} */ on) => {
      state.heatmap = on;
      drawSelected();
      byId('heatmap').focus();
    },
    save: (/** @type {HTMLCanvasElement} */ canvas) => canvas.toBlob((blob) => blob && saveBlob('picture.png', blob)),
  };
  byId('selected').replaceChildren(...(item?.finding ? [detail(item, card, state.heatmap, act)] : []));
}

function drawSeries() {
  const place = byId('series-place');
  const box = /** @type {HTMLInputElement} */ (byId('series'));
  box.checked = state.series;
  byId('series-choice').hidden = state.items.length < 2;
  if (!state.series || state.items.length === 0) return place.replaceChildren();
  const failed = state.items.filter((item) => item.state === 'failed').length;
  if (failed) return place.replaceChildren(el('p', { class: 'doubt' }, say('series_failed', { count: failed })));
  if (state.items.some((item) => item.state !== 'done')) return place.replaceChildren(el('p', { class: 'remark' }, say('series_wait')));
  try {
    place.replaceChildren(seriesView(seriesVerdict(state, card), card, state.selected, (item) => select(item, true)));
  } catch (error) {
    place.replaceChildren(el('p', { class: 'doubt' }, sentence(said(error, 'unreadable'))));
  }
}

function drawFolds() {
  const open = [...byId('folds').children].map((each) => each.hasAttribute('open'));
  const licences = byId('licence-texts').textContent ?? '';
  byId('folds').replaceChildren(
    ...[
      card && aboutModel(card),
      report && aboutDevice(report, client.level),
      report && benchView(card, client),
      fold(say('privacy'), ...texts().privacy_text.map((text) => el('p', {}, text)), el('p', { id: 'offline', role: 'status' })),
      fold(say('licences'), el('pre', { tabindex: 0 }, licences)),
    ].filter((each) => each !== null && each !== undefined),
  );
  [...byId('folds').children].forEach((each, place) => each.toggleAttribute('open', open[place] ?? false));
  drawOffline();
}

function drawOffline() {
  byId('offline').textContent = offline ? say(offline) : '';
}

/** Look at what waits, one after the other. */
async function work() {
  if (running || !report) return;
  running = true;
  for (let item; (item = state.items.find((each) => each.state === 'waiting')); ) await lookAt(item);
  running = false;
  // A series is shown in its order.
  if (state.series) drawList();
  drawSeries();
}

/** @param {Item} item */
async function lookAt(item) {
  item.state = 'looking';
  drawLine(item);
  try {
    item.finding = await client.look(/** @type {Blob} */ (item.file));
    item.state = 'done';
  } catch (error) {
    item.problem = said(error, 'unreadable');
    item.state = 'failed';
    if (error instanceof Problem && ['changed_part', 'other_outputs', 'other_pixels'].includes(error.code)) refusal = item.problem;
  }
  item.file = null;
  if (refusal) return draw();
  if (!state.items.includes(item)) return;
  if (item.state === 'done' && state.selected === null) select(item);
  else drawLine(item);
}

/** @param {Iterable<File>} files */
function take(files) {
  if (refusal) return;
  const added = addFiles(state, files);
  if (!added.length) return;
  byId('pictures').hidden = false;
  if (byId('acts').childElementCount === 0) drawList();
  else byId('list').append(...added.map((item) => line(item)));
  drawProgress();
  drawSeries();
  work();
}

function takeFiles() {
  for (const id of ['files', 'camera']) {
    const input = /** @type {HTMLInputElement} */ (byId(id));
    input.addEventListener('change', () => {
      take([...(input.files ?? [])]);
      input.value = '';
    });
  }
  byId('series').addEventListener('change', (event) => {
    state.series = /** @type {HTMLInputElement} */ (event.target).checked;
    drawList();
    drawSeries();
  });
  document.addEventListener('paste', (event) => take([...(event.clipboardData?.files ?? [])]));
  document.addEventListener('dragover', (event) => {
    event.preventDefault();
    document.body.classList.add('dragging');
  });
  document.addEventListener('dragleave', (event) => {
    if (!event.relatedTarget) document.body.classList.remove('dragging');
  });
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    document.body.classList.remove('dragging');
    take([...(event.dataTransfer?.files ?? [])]);
  });
}

function removeAll() {
  Object.assign(state, { items: [], selected: null });
  draw();
  byId('files').focus();
}

function saveTable() {
  const head = ['file', 'verdict', 'probability', 'logit', 'threshold', 'width', 'height', 'doubts', 'problem', 'bundle', 'model_sha256'];
  const lines = shownItems(state).map(({ name, finding, problem }) => {
    const end = [card.bundle, card.model.sha256];
    if (!finding) return [name, '', '', '', '', '', '', '', problem ? sentence(problem) : '', ...end];
    const { label, probability, logit, width, height, doubts } = finding;
    return [name, labelText(card.labels[label]), probability, logit, card.threshold, width, height, doubts.join(' '), '', ...end];
  });
  saveText('hemotk.csv', csv([head, ...lines]), 'text/csv');
}

/** Have the browser keep the page, so that it works offline; a single file is kept by whoever saved it. */
async function storePage() {
  if (!document.documentElement.dataset.worker || !('serviceWorker' in navigator)) return;
  try {
    await navigator.serviceWorker.register('sw.js');
    await Promise.race([navigator.serviceWorker.ready, new Promise((_, reject) => setTimeout(reject, 20_000))]);
    offline = 'offline_ready';
  } catch {
    offline = 'offline_refused';
  }
}

main();
