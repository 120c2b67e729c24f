// How the page looks and speaks: accessibility, languages, memory; pictures of it for people to look at.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { SINGLE, WANTED, browse, give, opened, removeAll } from './helpers.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf-8');
const SHOTS = process.env.SHOTS;
let browser;
before(async () => (browser = await browse()));
after(() => browser.close());
const series = () => readdirSync(`${WANTED}/series`).map((name) => `${WANTED}/series/${name}`);
const some = () => ['gray.png', 'photo.png', 'flat.png', 'slice.dcm'].map((name) => `${WANTED}/pictures/${name}`);

const LOOKS = {
  phone: { viewport: { width: 390, height: 844 } },
  'phone dark': { viewport: { width: 390, height: 844 }, colorScheme: 'dark' },
  tablet: { viewport: { width: 820, height: 1180 } },
  desktop: { viewport: { width: 1440, height: 900 } },
  'phone german': { viewport: { width: 390, height: 844 }, locale: 'de-DE' },
};

async function shot(page, name) {
  if (!SHOTS) return;
  mkdirSync(SHOTS, { recursive: true });
  await page.screenshot({ path: `${SHOTS}/${name.replaceAll(' ', '-')}.png`, fullPage: true });
}

/** What axe-core finds, in words. */
async function findings(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' ')}`);
}

const overflow = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

for (const [name, context] of Object.entries(LOOKS)) {
  test(`${name}: no findings of axe-core, nothing beyond the edge`, async () => {
    const { page } = await opened(browser, `file://${SINGLE}`, { context });
    await shot(page, `${name} start`);
    assert.deepEqual(await findings(page), []);
    await give(page, [...some(), `${WANTED}/damaged/000.png`]);
    await shot(page, `${name} pictures`);
    assert.deepEqual(await findings(page), []);
    await page.locator('#acts button').nth(1).click();
    await give(page, series());
    await page.locator('#series').check();
    for (const summary of await page.locator('summary').all()) await summary.click();
    await shot(page, `${name} series`);
    assert.deepEqual(await findings(page), []);
    assert.ok((await overflow(page)) <= 0);
  });
}

test('with text of 200 % nothing is cut off or lies beyond the edge', async () => {
  const { page } = await opened(browser, `file://${SINGLE}`, { context: LOOKS.phone });
  await page.evaluate(() => (document.documentElement.style.fontSize = '200%'));
  await give(page, some());
  // The longest verdict, whatever the network says of these pictures.
  await page.evaluate(() => document.querySelectorAll('.verdict').forEach((words) => (words.textContent = 'hemorrhage')));
  await shot(page, 'phone 200');
  assert.ok((await overflow(page)) <= 0);
  assert.deepEqual(await findings(page), []);
});

test('the page speaks German to those who read it, and English by choice', async () => {
  const { page, status } = await opened(browser, `file://${SINGLE}`, { context: { locale: 'de-AT' } });
  assert.match(status.words, /^Bereit\./);
  assert.equal(await page.getAttribute('html', 'lang'), 'de');
  await give(page, some());
  assert.match(await page.locator('.detail .figure').innerText(), /Wahrscheinlichkeit 0,\d{4}/);
  await page.selectOption('#language', 'en');
  assert.match(await page.locator('#status').innerText(), /^Ready\./);
  assert.match(await page.locator('.detail .figure').innerText(), /Probability 0\.\d{4}/);
});

test('the keyboard reaches every control, and the verdict is what is read next', async () => {
  const { page } = await opened(browser, `file://${SINGLE}`, { context: { reducedMotion: 'reduce' } });
  await give(page, some());
  const reached = new Set();
  await page.locator('h1').click();
  for (let i = 0; i < 25; i++) {
    await page.keyboard.press('Tab');
    reached.add(await page.evaluate(() => document.activeElement.id || document.activeElement.className || document.activeElement.tagName));
  }
  for (const wanted of ['files', 'camera', 'series', 'heatmap', 'row', 'quiet', 'SUMMARY', 'language']) assert.ok(reached.has(wanted), `${wanted}: ${[...reached]}`);
  await page.locator('button.row').nth(1).focus();
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.className), 'verdict');
});

test('twenty pictures in a row take no more memory than the first five', { timeout: 120_000 }, async () => {
  const { page } = await opened(browser, `file://${SINGLE}`);
  const session = await browser.newBrowserCDPSession();
  const resident = async () => {
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 500)));
    const { processInfo } = await session.send('SystemInfo.getProcessInfo');
    const pages = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => Number(readFileSync(`/proc/${id}/statm`, 'utf-8').split(' ')[1]) * 4096);
    return pages.reduce((sum, bytes) => sum + bytes, 0);
  };
  const five = ['gray.png', 'colour.jpg', 'slice.dcm', 'transparent.png', 'turned.png'].map((name) => `${WANTED}/pictures/${name}`);
  const round = async () => {
    await give(page, [`${WANTED}/large/colour.jpg`, ...five.slice(1)]);
    await removeAll(page);
  };
  await round();
  await round();
  const early = await resident();
  for (let i = 0; i < 4; i++) await round();
  const grown = (await resident()) - early;
  assert.ok(grown < 100e6, `${Math.round(grown / 1e6)} MB more`);
});
