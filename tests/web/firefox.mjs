// The test split in Firefox, held against Python's outputs. By hand, after `make test-web`, with Firefox installed:
//
//   cp tests/web/firefox.mjs build/web && cd build/web && npm install --no-save puppeteer-core
//   FIREFOX=/usr/bin/firefox-esr node firefox.mjs site wanted

import { readFile, writeFile } from 'node:fs/promises';
import puppeteer from 'puppeteer-core';

const [site, wanted] = process.argv.slice(2);
Object.assign(process.env, { SITE: site, WANTED: wanted });
const { expected, isReady, outputsDiffer, serving } = await import('./browser/helpers.js');

const server = await serving(site);
const browser = await puppeteer.launch({ browser: 'firefox', executablePath: process.env.FIREFOX, headless: true });
const page = await browser.newPage();
page.on('pageerror', (error) => console.log('error', error.message));
await page.goto(server.address);
await page.waitForFunction(() => ['ready', 'ready_near', 'refused'].includes(document.getElementById('status').dataset.state), { timeout: 120_000 });
const status = await page.evaluate(() => ({ state: document.getElementById('status').dataset.state, words: document.getElementById('status').textContent }));
console.log(await browser.version(), status.words);
if (!isReady(status)) process.exit(1);
// What the page saves is caught on its way.
await page.evaluate(() => {
  const real = URL.createObjectURL;
  URL.createObjectURL = (blob) => {
    if (blob.type.includes('json')) blob.text().then((text) => (globalThis.saved = text));
    return real(blob);
  };
  for (const details of document.querySelectorAll('details')) details.open = true;
  document.getElementById('bench-start').click();
});
await page.waitForFunction(() => globalThis.saved, { timeout: 300_000 });
const saved = await page.evaluate(() => globalThis.saved);
await writeFile(`${wanted}/bench-firefox.json`, saved);
const { device, models } = JSON.parse(saved);
const { images } = models[0];
const differing = outputsDiffer(images, expected.testset);
const equal = images.filter((image, at) => image.logit === expected.testset[at].logit).length;
console.log(`${device.model}, ${device.abi}: ${images.length} pictures, ${equal} with Python's logit to the bit, ${differing.length} beyond what is allowed`);
await browser.close();
await server.stop();
process.exit(differing.length ? 1 : 0);
