// The page of `hemotk review`: as Python wrote it until the slider moves, by keyboard, on a phone, and without a network.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const { REVIEW, CHROMIUM, SHOTS } = process.env;
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf-8');
let browser;
before(async () => (browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })));
after(() => browser.close());

async function opened(context = {}) {
  const page = await (await browser.newContext({ acceptDownloads: true, ...context })).newPage();
  const faults = [], asked = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
  page.on('request', (request) => asked.push(request.url()));
  await page.goto(pathToFileURL(REVIEW).href);
  return { page, faults, asked };
}

const said = (page) => page.locator('[data-figure], .now, #at, #flips, #shown').allTextContents();
const shown = (page) => page.locator('tr[data-row]:visible').count();

test('its program says at first what Python wrote, and finds no fault', async () => {
  const { page, faults, asked } = await opened();
  const { page: still } = await opened({ javaScriptEnabled: false });
  assert.deepEqual(await said(page), await said(still));
  assert.ok(await page.locator('#controls').isVisible());
  assert.ok(!(await still.locator('#controls').isVisible()));
  assert.deepEqual(faults, []);
  assert.deepEqual(asked.filter((url) => !url.startsWith('file:') && !url.startsWith('data:')), []);
  const refused = await page.evaluate(
    () =>
      new Promise((resolve) => {
        document.addEventListener('securitypolicyviolation', (event) => resolve(event.effectiveDirective));
        fetch('http://127.0.0.1:9/').catch(() => setTimeout(() => resolve('nothing'), 2000));
      }),
  );
  assert.equal(refused, 'connect-src');
});

test('the slider moves by keyboard, and goes back to the very threshold that is recorded', async () => {
  const { page } = await opened();
  const before = await said(page);
  await page.locator('#slider').focus();
  await page.keyboard.press('End');
  assert.equal(await page.locator('#at').textContent(), '1');
  const sensitivity = await page.locator('[data-model="0"] [data-figure="sensitivity"]').textContent();
  assert.match(sensitivity, /^0\.000 \[0\.000, /);
  await page.keyboard.press('ArrowLeft');
  assert.equal(await page.locator('#at').textContent(), '0.999');
  await page.locator('#number').fill('0.25');
  assert.equal(await page.locator('#slider').inputValue(), '0.25');
  await page.getByRole('button', { name: 'As recorded' }).press('Enter');
  assert.deepEqual(await said(page), before);
});

test('kinds are filtered', async () => {
  const { page } = await opened();
  const rows = await shown(page);
  await page.getByLabel(/^near the threshold/).uncheck();
  const fewer = await shown(page);
  await page.getByLabel(/^missed/).uncheck();
  await page.getByLabel(/^false alarm/).uncheck();
  assert.ok(rows >= fewer);
  assert.equal(await page.locator('#shown').textContent(), `${await shown(page)} of ${rows} slices shown.`);
  await page.getByLabel(/^near the threshold/).check();
  await page.getByLabel(/^only what is wrong/).check();
  for (const word of await page.locator('tr[data-row]:visible .now').allTextContents()) assert.notEqual(word, 'right');
});

test('notes are saved as a table', async () => {
  const { page } = await opened();
  const note = page.locator('textarea').first();
  await note.fill('motion, look again');
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: /CSV/ }).click()]);
  assert.match(download.suggestedFilename(), /^review-.*\.csv$/);
  const lines = readFileSync(await download.path(), 'utf-8').trimEnd().split('\r\n');
  assert.equal(lines.length, (await page.locator('tr[data-row]').count()) + 1);
  assert.match(lines[1], /,"motion, look again"$/);
});

for (const [name, context] of Object.entries({
  phone: { viewport: { width: 390, height: 844 } },
  'phone dark': { viewport: { width: 390, height: 844 }, colorScheme: 'dark' },
  desktop: { viewport: { width: 1200, height: 900 } },
  'desktop dark': { viewport: { width: 1200, height: 900 }, colorScheme: 'dark' },
})) {
  test(`it is readable and accessible: ${name}`, async () => {
    const { page } = await opened(context);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0);
    await page.evaluate(AXE);
    const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
    assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 160)}`), []);
    if (SHOTS) {
      mkdirSync(SHOTS, { recursive: true });
      await page.screenshot({ path: `${SHOTS}/review-${name.replaceAll(' ', '-')}.png` });
    }
  });
}
