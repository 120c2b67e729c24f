// The bench as it is seen.

import { el, saveText } from './dom.js';
import { said } from './problem.js';
import { fill, number, say, sentence, texts } from './texts.js';
import { fold } from './views.js';

const SETTINGS = { runs: 50, warmup: 10 };
const FILE = 'bench.json';

/** @param {import('./card.js').Card} card @param {import('./client.js').Client} client */
export function benchView(card, client) {
  const count = card.test_images || card.golden.length;
  const images = fill(card.test_images ? texts().bench_testset : texts().bench_golden, { count });
  const result = el('p', { role: 'status', id: 'bench-result' });
  const button = el('button', { type: 'button', class: 'quiet', id: 'bench-start', click: run }, say('bench_start'));

  async function run() {
    button.disabled = true;
    const watch = (/** @type {number} */ done, /** @type {number} */ total) => (result.textContent = say('bench_running', { done, total }));
    try {
      const found = await client.ask('bench', { settings: SETTINGS, device: device(client.level) }, [], watch);
      saveText(FILE, `${JSON.stringify(found, null, 1)}\n`, 'application/json');
      const times = found.models[0].rounds_ns.flat().sort((/** @type {number} */ a, /** @type {number} */ b) => a - b);
      result.textContent = say('bench_done', { median: number(times[times.length >> 1] / 1e6, 1), file: FILE });
    } catch (error) {
      result.textContent = sentence(said(error, 'no_runtime'));
    }
    button.disabled = false;
  }

  return fold(
    say('bench'),
    el('p', {}, say('bench_text', { images }), ' ', say(card.test_images ? 'bench_import' : 'bench_no_import')),
    card.test_images > 0 && el('p', { class: 'doubt' }, say('bench_people')),
    button,
    result,
  );
}

/** What the browser says of itself and of the device. @param {import('./client.js').Level} level */
function device(level) {
  const agent = navigator.userAgent;
  const browser = /(Firefox|Edg|OPR|Chrome|Version)\/(\d+)/.exec(agent.replace(/Chrome(?=.*(Edg|OPR)\/)/, ''));
  const name = browser ? `${browser[1] === 'Version' ? 'Safari' : browser[1]} ${browser[2]}` : agent.slice(0, 60);
  const system = /\(([^)]*)\)/.exec(agent)?.[1] ?? '';
  return { level: `wasm32, ${texts().levels[level]}`, browser: name, system, cores: Math.max(navigator.hardwareConcurrency || 1, 1) };
}
