// The real page with the real WebAssembly in Chromium: Python's bytes, and nothing that leaves.

import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, readdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { SINGLE, SITE, WANTED, browse, differs, expected, give, isReady, onCanvas, opened, outputsDiffer, removeAll, serving, settled, table } from './helpers.js';

let browser;
before(async () => (browser = await browse()));
after(() => browser.close());
const inside = (name) => readdirSync(`${WANTED}/${name}`).sort().map((file) => `${WANTED}/${name}/${file}`);

async function bench(page) {
  await page.locator('summary', { hasText: 'Bench' }).click();
  const [download] = await Promise.all([page.waitForEvent('download', { timeout: 60_000 }), page.locator('#bench-start').click()]);
  copyFileSync(await download.path(), `${WANTED}/bench.json`);
  return JSON.parse(readFileSync(`${WANTED}/bench.json`, 'utf-8'));
}

for (const [level, hash] of [['relaxed SIMD', ''], ['SIMD', '#compat']]) {
  test(`the whole test split gives the bytes of Python, with ${level}`, async () => {
    const server = await serving(SITE);
    const { page, status } = await opened(browser, server.address + hash);
    assert.ok(isReady(status), status.words);
    const found = await bench(page);
    assert.equal(found.device.abi, `wasm32, ${level}`);
    assert.equal(found.models[0].images.length, expected.testset.length);
    assert.deepEqual(outputsDiffer(found.models[0].images, expected.testset), []);
    await server.stop();
  });
}

test('pictures get logit, probability, verdict and doubts of Python, and its heat map; nothing is asked of the server', async () => {
  const server = await serving(SITE);
  const { page, faults } = await opened(browser, server.address);
  await page.waitForFunction(() => document.getElementById('offline').textContent, null, { timeout: 30_000 });
  const asked = server.asked.length;
  const requests = [];
  page.context().on('request', (request) => requests.push(request.url()));
  await give(page, inside('pictures'));
  const rows = await table(page);
  const wrong = Object.entries(expected.pictures).flatMap(([name, wanted]) => differs(rows[name], wanted) ?? []);
  assert.deepEqual(wrong, []);
  for (const [name, { heatmap }] of Object.entries(expected.pictures)) {
    await page.locator('button.row', { hasText: name }).first().click();
    assert.equal(await page.locator('figcaption').innerText().then((words) => words.split('\n')[0]), name);
    assert.equal(await onCanvas(page), heatmap, name);
  }
  assert.deepEqual(requests.filter((url) => !url.startsWith('blob:')), []);
  assert.equal(server.asked.length, asked);
  assert.deepEqual(faults, []);
  await server.stop();
});

test('a series is put in order and gets the verdict of Python', async () => {
  const { page } = await opened(browser, `file://${SINGLE}`);
  await give(page, inside('series'));
  await page.getByLabel('These are the slices of one series').check();
  const rows = await table(page);
  const { order, slices, probability, verdict, k } = expected.series;
  assert.deepEqual(Object.keys(rows), order);
  assert.deepEqual(order.map((name) => Number(rows[name].probability)), slices);
  assert.equal(await page.locator('.series h2').innerText(), verdict);
  assert.match(await page.locator('.series .figure').innerText(), new RegExp(`Mean of the ${k} highest slices: ${probability.toFixed(4)}`));
  assert.equal(await page.locator('.strip .slice').count(), order.length);
  assert.equal(await page.locator('.strip .highest').count(), k);
  await page.setInputFiles('#files', `${WANTED}/series/s3.dcm`);
  await page.getByText('s3.dcm is the same slice as s3.dcm').waitFor();
});

test('the page works with the server gone', async () => {
  const server = await serving(SITE);
  const { page } = await opened(browser, server.address);
  await page.locator('summary', { hasText: 'Privacy' }).click();
  await page.getByText('This page works offline now.').waitFor({ timeout: 30_000 });
  await server.stop();
  await page.reload();
  assert.ok(isReady(await settled(page)));
  await give(page, [`${WANTED}/pictures/gray.png`]);
  const rows = await table(page);
  assert.equal(differs(rows['gray.png'], expected.pictures['gray.png']), null);
});

test('one file opened without a server gives the same, and two tabs do not disturb each other', async () => {
  const first = await opened(browser, `file://${SINGLE}`);
  const second = await opened(browser, `file://${SINGLE}`);
  await Promise.all([first, second].map(({ page }) => give(page, inside('pictures'))));
  for (const { page } of [first, second]) {
    const rows = await table(page);
    assert.deepEqual(Object.entries(expected.pictures).flatMap(([name, wanted]) => differs(rows[name], wanted) ?? []), []);
  }
});

test('damaged files get a sentence or the result of Python, and the page lives', { timeout: 150_000 }, async () => {
  const { page, faults } = await opened(browser, `file://${SINGLE}`);
  const files = inside('damaged');
  const wrong = [];
  let scored = 0;
  for (let from = 0; from < files.length; from += 250) {
    await give(page, files.slice(from, from + 250));
    const rows = await table(page);
    for (const [name, row] of Object.entries(rows)) {
      if (row.problem) continue; // a sentence is always right
      scored++;
      const difference = differs(row, expected.damaged[name]);
      if (difference) wrong.push(`${name}: ${difference}`);
    }
    await removeAll(page);
  }
  assert.deepEqual(wrong, []);
  assert.ok(scored > 40, `only ${scored} were scored`);
  await give(page, [`${WANTED}/pictures/gray.png`]);
  const rows = await table(page);
  assert.equal(differs(rows['gray.png'], expected.pictures['gray.png']), null);
  assert.deepEqual(faults, []);
});

test('pictures of 40 megapixels are scored, larger ones refused', { timeout: 120_000 }, async () => {
  const { page } = await opened(browser, `file://${SINGLE}`);
  await give(page, inside('large'));
  const rows = await table(page);
  assert.deepEqual(Object.entries(expected.large).flatMap(([name, wanted]) => differs(rows[name], wanted) ?? []), []);
  assert.match(rows['too_large.png'].problem, /larger than 40 megapixels/);
});
