// The pages of an audit and of a bench: on a phone each figure stands with its name, nothing lies beyond the edge, no
// request leaves the page.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const { PAGES, CHROMIUM, SHOTS } = process.env;
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf-8');
let browser;
before(async () => (browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })));
after(() => browser.close());

async function opened(name, context) {
  const page = await (await browser.newContext(context)).newPage();
  const faults = [], asked = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
  page.on('request', (request) => asked.push(request.url()));
  await page.goto(pathToFileURL(`${PAGES}/${name}.html`).href);
  return { page, faults, asked };
}

/** Cells of a table that a phone shows without the name of their column: neither a heading nor a label is seen. */
const nameless = (page) =>
  page.evaluate(() => {
    const seen = (element) => element.getClientRects().length > 0 && element.getBoundingClientRect().height > 1;
    const named = (cell, place) => {
      const heading = cell.closest('table').querySelectorAll('thead th')[place];
      const label = getComputedStyle(cell, '::before').content;
      return (heading && heading.closest('thead').getBoundingClientRect().width > 2) || (label !== 'none' && label !== 'normal' && label !== '""') || cell.matches('th');
    };
    const rows = [...document.querySelectorAll('table:not(.pairs):has(thead) tbody tr')];
    return rows.flatMap((row) => [...row.cells].filter((cell, place) => seen(cell) && cell.textContent.trim() && place && !named(cell, place)).map((cell) => cell.outerHTML.slice(0, 80)));
  });

for (const name of ['audit', 'bench']) {
  for (const [look, context] of Object.entries({
    phone: { viewport: { width: 390, height: 844 } },
    'phone dark': { viewport: { width: 390, height: 844 }, colorScheme: 'dark' },
    desktop: { viewport: { width: 1200, height: 900 } },
  })) {
    test(`${name}, ${look}: readable, accessible, alone`, async () => {
      const { page, faults, asked } = await opened(name, context);
      if (SHOTS) {
        mkdirSync(SHOTS, { recursive: true });
        await page.screenshot({ path: `${SHOTS}/${name}-${look.replaceAll(' ', '-')}.png`, fullPage: true });
      }
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0);
      assert.deepEqual(await nameless(page), []);
      assert.deepEqual(asked.filter((url) => !url.startsWith('file:') && !url.startsWith('data:')), []);
      assert.deepEqual(faults, []);
      await page.evaluate(AXE);
      const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
      assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 160)}`), []);
    });
  }
}
