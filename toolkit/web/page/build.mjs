// Bundles the page: `node build.mjs OUT`. The result is kept in built/, and a test makes it anew and compares.

import { build } from 'esbuild';
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const out = process.argv[2] ?? here('../built');

const shared = {
  bundle: true,
  minify: true,
  format: 'iife',
  charset: 'utf8',
  legalComments: 'none',
  target: ['es2022'],
  alias: { '@litertjs/wasm-utils': here('src/wasm_utils.js') },
  // The decoders would look for their WebAssembly beside themselves; they are given it.
  define: { 'import.meta.url': '""' },
  external: ['fs', 'path', 'node:fs', 'module'],
  logLevel: 'warning',
  logOverride: { 'empty-import-meta': 'silent' },
};

await mkdir(out, { recursive: true });
for (const name of ['app', 'worker']) {
  await build({ ...shared, entryPoints: [here(`src/${name}.js`)], outfile: `${out}/${name}.js` });
}
await build({ entryPoints: [here('src/sw.js')], outfile: `${out}/sw.js`, minify: false, charset: 'utf8', logLevel: 'warning' });
await build({ entryPoints: [here('style.css')], outfile: `${out}/style.css`, minify: true, charset: 'utf8', logLevel: 'warning' });
await copyFile(here('index.html'), `${out}/index.html`);

// What is in the bundle and in the runtime, with the licences that it comes under.
const { dependencies } = JSON.parse(await readFile(here('package.json'), 'utf-8'));
await writeFile(`${out}/packages.json`, `${JSON.stringify(dependencies, null, 1)}\n`);

const texts = [await readFile(here('notices.txt'), 'utf-8')];
for (const [name, version] of Object.entries(dependencies)) {
  const folder = here(`../node_modules/${name}/`);
  const { license } = JSON.parse(await readFile(`${folder}package.json`, 'utf-8'));
  const file = (await readdir(folder)).find((entry) => /^licen[sc]e/i.test(entry));
  texts.push(`${name} ${version}: ${license}\n${file ? await readFile(folder + file, 'utf-8') : ''}`);
}
texts.push(await readFile(process.env.LICENSE ?? here('../../../LICENSE'), 'utf-8'));
await writeFile(`${out}/licences.txt`, texts.map((text) => text.replaceAll('\r', '').trim()).join('\n\n-----\n\n') + '\n');
