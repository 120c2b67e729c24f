// A browser, a server with a log, and what a reader of the page does.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { chromium } from 'playwright-core';

export const { SITE, SINGLE, LEAKY, WANTED, CHROMIUM } = process.env;
export const expected = JSON.parse(readFileSync(`${WANTED}/expected.json`, 'utf-8'));
export const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

const TYPES = { html: 'text/html', js: 'text/javascript', webmanifest: 'application/manifest+json', svg: 'image/svg+xml', png: 'image/png' };

/** A server of `folder` on loopback that remembers what it was asked; `files` may replace some. */
export async function serving(folder, files = {}) {
  const asked = [];
  const server = createServer(async (request, response) => {
    asked.push(request.url);
    const name = request.url.split('?')[0].slice(1) || 'index.html';
    try {
      const content = files[name] ?? (await readFile(`${folder}/${name}`));
      response.writeHead(200, { 'content-type': TYPES[name.split('.').pop()] ?? 'application/octet-stream' });
      response.end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = () => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve)));
  return { asked, address: `http://127.0.0.1:${server.address().port}/`, stop };
}

export const browse = (args = []) => chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', ...args] });

/** A page on the site that says what it has to say; `init` runs before the page's own program. */
export async function opened(browser, address, { context = {}, init } = {}) {
  const page = await (await browser.newContext({ acceptDownloads: true, locale: 'en-GB', ...context })).newPage();
  const faults = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  if (init) await page.addInitScript(init);
  await page.goto(address);
  return { page, faults, status: await settled(page) };
}

export async function settled(page) {
  await page.waitForFunction(() => ['ready', 'ready_near', 'refused'].includes(document.getElementById('status').dataset.state), null, { timeout: 60_000 });
  return page.evaluate(() => ({ state: document.getElementById('status').dataset.state, words: document.getElementById('status').textContent }));
}

/** Give files to the page and wait until all were looked at. */
export async function give(page, files, timeout = 120_000) {
  await page.setInputFiles('#files', files);
  await page.waitForFunction(() => document.querySelectorAll('#list li').length > 0 && !document.querySelector('#list .pending'), null, { timeout });
}

export async function removeAll(page) {
  await page.getByRole('button', { name: 'Remove all' }).click();
}

/** The table that the page saves, by file. */
export async function table(page) {
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: /CSV/ }).click()]);
  const text = (await readFile(await download.path(), 'utf-8')).replace(/^\ufeff/, '');
  const [head, ...rows] = text.trimEnd().split('\r\n').map(cells);
  return Object.fromEntries(rows.map((row) => [row[0], Object.fromEntries(head.map((name, i) => [name, row[i]]))]));
}

/** The cells of a line. */
function cells(line) {
  return [...line.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)].map(([, cell]) => (cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell)).slice(0, 11);
}

/** Whether the page is ready: outputs of float32 may round in another way than Python's. */
export const isReady = ({ state }) => state === 'ready' || (expected.tolerance !== null && state === 'ready_near');
const close = (one, other) => one === other || (expected.tolerance !== null && Math.abs(one - other) <= expected.tolerance);

/** How the outputs of the page's bench differ from Python's; bytes are compared as they are. */
export function outputsDiffer(found, wanted) {
  if (expected.tolerance === null) return JSON.stringify(found) === JSON.stringify(wanted) ? [] : ['other bytes'];
  const float = (digits) => Buffer.from(digits, 'hex').readFloatLE();
  return wanted.filter((image, at) => !['logit', 'probability'].every((name) => close(float(found[at][name]), float(image[name])))).map(({ id }) => id);
}

/** How the page's line differs from what Python says; null where it does not. */
export function differs(row, wanted) {
  if (!row) return 'no line';
  if (row.problem) return wanted.error ? null : `refused: ${row.problem}`;
  if (wanted.error) return `scored ${row.probability}, which Python refuses`;
  const found = { logit: Number(row.logit), probability: Number(row.probability), verdict: row.verdict, doubts: row.doubts ? row.doubts.split(' ').length : 0 };
  const { heatmap, ...python } = wanted;
  const same = Object.entries(python).every(([name, value]) => (typeof value === 'number' ? close(found[name], value) : found[name] === value));
  return same ? null : `${JSON.stringify(found)} instead of ${JSON.stringify(python)}`;
}

/** The checksum of what is on the canvas. */
export async function onCanvas(page) {
  const bytes = await page.evaluate(() => {
    const canvas = document.querySelector('canvas.picture');
    return Array.from(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data);
  });
  return sha256(Uint8Array.from(bytes));
}
