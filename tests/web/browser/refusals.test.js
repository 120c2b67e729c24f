// The page where something is wrong: a sentence each, and no verdict.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { LEAKY, SINGLE, SITE, WANTED, browse, give, isReady, opened, serving, table } from './helpers.js';

let browser;
before(async () => (browser = await browse()));
after(() => browser.close());

const html = readFileSync(`${SITE}/index.html`, 'utf-8');

async function refused(page, status, words) {
  assert.equal(status.state, 'refused');
  assert.match(status.words, words);
  assert.ok(await page.locator('#pick').isHidden());
}

for (const name of ['model', 'golden', 'relaxed', 'relaxed_js']) {
  test(`a page whose part ${name} was changed gives no verdicts`, async () => {
    const at = html.indexOf(`id="part-${name}">`) + `id="part-${name}">`.length + 400;
    const changed = html.slice(0, at) + (html[at] === 'A' ? 'B' : 'A') + html.slice(at + 1);
    const server = await serving(SITE, { 'index.html': changed });
    const { page, status } = await opened(browser, server.address);
    await refused(page, status, new RegExp(`part of this page \\(${name}\\) is not the recorded one`));
    await server.stop();
  });
}

test('a page that was cut short gives no verdicts', async () => {
  const server = await serving(SITE, { 'index.html': html.slice(0, html.length >> 1) });
  const { page, status } = await opened(browser, server.address);
  await refused(page, status, /No verdicts are given here/);
  await server.stop();
});

test('other golden outputs than the recorded ones stop the page', async () => {
  const changed = html.replace(/"logit": "([0-9a-f]+)"/, (_, digits) => `"logit": "${/^0+$/.test(digits) ? digits.replace(/./g, '1') : digits.replace(/./g, '0')}"`);
  assert.notEqual(changed, html);
  const server = await serving(SITE, { 'index.html': changed });
  const { page, status } = await opened(browser, server.address);
  await refused(page, status, /gives other answers on this device/);
  await server.stop();
});

test('a browser without SIMD, or without workers, is told so', async () => {
  const noSimd = await opened(browser, `file://${SINGLE}`, { init: () => (WebAssembly.validate = () => false) });
  await refused(noSimd.page, noSimd.status, /no WebAssembly SIMD/);
  const noWorker = await opened(browser, `file://${SINGLE}`, { init: () => (globalThis.Worker = class { constructor() { throw new Error('no'); } }) });
  await refused(noWorker.page, noWorker.status, /no worker/);
});

test('a browser that refuses storage shows the page all the same', async () => {
  const server = await serving(SITE);
  const init = () => (ServiceWorkerContainer.prototype.register = () => Promise.reject(new Error('no')));
  const { page, status } = await opened(browser, server.address, { init });
  assert.ok(isReady(status), status.words);
  await page.locator('summary', { hasText: 'Privacy' }).click();
  await page.getByText('This page will not work offline here').waitFor();
  await server.stop();
});

test('a worker that the browser ends is a sentence, and the next picture is scored', async () => {
  const init = () => {
    const post = Worker.prototype.postMessage;
    Worker.prototype.postMessage = function (message, ...rest) {
      if (message.work === 'look' && !globalThis.ended) {
        globalThis.ended = true;
        return this.dispatchEvent(new Event('error'));
      }
      return post.call(this, message, ...rest);
    };
  };
  const { page } = await opened(browser, `file://${SINGLE}`, { init });
  await give(page, [`${WANTED}/pictures/gray.png`, `${WANTED}/pictures/gray.jpg`]);
  const rows = await table(page);
  assert.match(rows['gray.png'].problem, /browser ended the work/);
  assert.equal(rows['gray.jpg'].problem, '');
});

test('the policy stops every way out of the page and of the worker', async () => {
  const leaks = await serving(SITE);
  const { page, status } = await opened(browser, `file://${LEAKY}#${leaks.address.slice(0, -1)}`);
  assert.ok(isReady(status), status.words);
  await give(page, [`${WANTED}/pictures/gray.png`]);
  await page.waitForTimeout(1500);
  assert.deepEqual(leaks.asked, []);
  await leaks.stop();
});

test('the planted ways out do leave a page without the policy', async () => {
  const open = (await readFile(LEAKY, 'utf-8')).replace(/<meta http-equiv="Content-Security-Policy"[^>]*>/, '');
  const page = await serving(SITE, { 'index.html': open });
  const leaks = await serving(SITE);
  const opens = await opened(browser, `${page.address}#${leaks.address.slice(0, -1)}`);
  await opens.page.waitForTimeout(1500);
  for (const name of ['page-fetch', 'page-image', 'worker-fetch', 'worker-script']) {
    assert.ok(leaks.asked.includes(`/${name}`), `${name} is not among ${leaks.asked}`);
  }
  await Promise.all([page.stop(), leaks.stop()]);
});
