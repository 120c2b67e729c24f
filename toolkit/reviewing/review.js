'use strict';
// The figures of the page at any threshold, filters, and notes as a table. Python's figures are the measure of them.

const Z95 = 1.959963984540054;

/** The share of `successes` in `total` with its Wilson interval; null where there is nothing to share. */
function wilson(successes, total) {
  if (total === 0) return null;
  const share = successes / total;
  const spread = Z95 * Math.sqrt((share * (1 - share)) / total + (Z95 * Z95) / (4 * (total * total)));
  const middle = share + (Z95 * Z95) / (2 * total);
  const scale = 1 + (Z95 * Z95) / total;
  return {
    value: share,
    low: successes === 0 ? 0 : (middle - spread) / scale,
    high: successes === total ? 1 : (middle + spread) / scale,
  };
}

/** Three decimals; of a number exactly between two, the even one, as Python does. */
function fixed(value) {
  const thousandths = value * 1000;
  const tie = Number.isInteger(value * 16) && !Number.isInteger(thousandths);
  if (!tie) return value.toFixed(3);
  const below = Math.floor(thousandths);
  return ((below % 2 === 0 ? below : below + 1) / 1000).toFixed(3);
}

function words(share) {
  return share === null ? '–' : `${fixed(share.value)} [${fixed(share.low)}, ${fixed(share.high)}]`;
}

/** The figures of one model: `chances` are its probabilities, `labels` a text of 0 and 1. */
function figures(labels, chances, threshold) {
  let positives = 0, found = 0, cleared = 0;
  for (let at = 0; at < chances.length; at++) {
    const called = chances[at] >= threshold;
    if (labels[at] === '1') {
      positives++;
      if (called) found++;
    } else if (!called) cleared++;
  }
  const negatives = chances.length - positives;
  return {
    sensitivity: wilson(found, positives),
    specificity: wilson(cleared, negatives),
    missed: positives - found,
    alarms: negatives - cleared,
  };
}

function flips(one, other, threshold) {
  return one.filter((chance, at) => (chance >= threshold) !== (other[at] >= threshold)).length;
}

/** Whether a slice is called right: 'right', 'missed' or 'false alarm'. */
function verdict(label, chance, threshold) {
  const called = chance >= threshold;
  if (called === (label === '1')) return 'right';
  return called ? 'false alarm' : 'missed';
}

/** The wrong slices at `threshold` that are not `listed`. */
function unlisted(data, threshold) {
  const listed = new Set(data.rows.map((row) => row.at));
  const { chances } = data.models[0];
  return chances.filter((chance, at) => !listed.has(at) && verdict(data.labels[at], chance, threshold) !== 'right').length;
}

/** A table as text; a spreadsheet would run what begins like a formula, so that gets an apostrophe. */
function csv(rows) {
  const cell = (value) => {
    const text = typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return `\ufeff${rows.map((row) => row.map(cell).join(',')).join('\r\n')}\r\n`;
}

/** The table that is saved: a line for each slice of the list, with its note. */
function table(data, notes) {
  const [model, parent] = data.models;
  const head = ['image', 'group', 'label', 'kinds', 'subtypes', 'model', 'threshold', 'probability', 'logit'];
  const more = parent ? [`${parent.name} probability`, `${parent.name} logit`] : [];
  const lines = data.rows.map((row, place) => [
    row.path, row.group, Number(data.labels[row.at]), row.kinds.join('; '), row.subtypes.join('; '), model.name,
    data.threshold, model.chances[row.at], row.logit,
    ...(parent ? [parent.chances[row.at], row.parent] : []),
    notes[place],
  ]);
  return csv([[...head, ...more, 'note'], ...lines]);
}

function start() {
  const get = (id) => document.getElementById(id);
  const data = JSON.parse(get('data').textContent);
  const rows = [...document.querySelectorAll('tr[data-row]')];
  const now = rows.map((row) => row.querySelector('.now'));
  const notes = () => rows.map((row) => row.querySelector('textarea').value);
  const boxes = [...document.querySelectorAll('input[data-kind]')];
  let threshold = data.threshold, unsaved = false;

  function filter() {
    const wanted = new Set(boxes.filter((box) => box.checked).map((box) => box.dataset.kind));
    const wrong = get('wrong').checked;
    let shown = 0;
    rows.forEach((row, place) => {
      const { kinds, at } = data.rows[place];
      const right = verdict(data.labels[at], data.models[0].chances[at], threshold) === 'right';
      const hidden = !kinds.some((kind) => wanted.has(kind)) || (wrong && right);
      if (row.hidden !== hidden) row.hidden = hidden;
      if (!hidden) shown++;
    });
    get('shown').textContent = `${shown} of ${rows.length} slices shown.`;
  }

  function move() {
    const short = String(Number(threshold.toPrecision(6)));
    get('at').textContent = threshold === data.threshold ? `${short}, as recorded` : short;
    get('line').setAttribute('x1', threshold * 720);
    get('line').setAttribute('x2', threshold * 720);
    data.models.forEach((model, place) => {
      const found = figures(data.labels, model.chances, threshold);
      const cells = document.querySelectorAll(`[data-model="${place}"] [data-figure]`);
      for (const cell of cells) {
        const value = found[cell.dataset.figure];
        cell.textContent = typeof value === 'number' ? String(value) : words(value);
      }
    });
    if (data.models.length > 1) get('flips').textContent = flips(data.models[0].chances, data.models[1].chances, threshold);
    now.forEach((cell, place) => {
      const { at } = data.rows[place];
      const word = verdict(data.labels[at], data.models[0].chances[at], threshold);
      // A long list is laid out anew where something changes in it, which takes a moment.
      if (cell.textContent === word) return;
      cell.textContent = word;
      cell.classList.toggle('bad', word !== 'right');
    });
    const more = unlisted(data, threshold);
    get('unlisted').hidden = more === 0;
    get('unlisted').textContent = `${more} slices that are wrong at this threshold are not in the list below. A larger --near lists them.`;
    filter();
  }

  function set(value) {
    if (!(value >= 0 && value <= 1)) return;
    threshold = value;
    move();
  }

  get('controls').hidden = false;
  get('slider').addEventListener('input', (event) => { get('number').value = event.target.value; set(Number(event.target.value)); });
  get('number').addEventListener('input', (event) => {
    if (event.target.value === '') return;
    get('slider').value = event.target.value;
    set(Number(event.target.value));
  });
  get('reset').addEventListener('click', () => {
    get('slider').value = get('number').value = String(data.threshold);
    set(data.threshold);
  });
  for (const box of [...boxes, get('wrong')]) box.addEventListener('change', filter);
  for (const row of rows) row.querySelector('textarea').addEventListener('input', () => { unsaved = true; });
  get('save').addEventListener('click', () => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([table(data, notes())], { type: 'text/csv' }));
    link.download = data.file;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    unsaved = false;
    get('saved').textContent = `Saved as ${data.file}, among the browser's downloads.`;
  });
  addEventListener('beforeunload', (event) => {
    if (unsaved) event.preventDefault();
  });
  move();
}

if (typeof document !== 'undefined') start();
