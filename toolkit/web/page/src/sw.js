// Keeps the page, so that it works offline. A page is one file: two versions are never mixed.
// VERSION is the checksum of index.html; another page brings another worker.

const VERSION = '__VERSION__';
const CACHE = `hemotk-${VERSION}`;
const FILES = ['./', 'index.html', 'manifest.webmanifest', 'icon.svg', 'icon-192.png', 'icon-512.png'];
const worker = /** @type {any} */ (self);

async function keep() {
  const cache = await caches.open(CACHE);
  const index = await fetch('index.html', { cache: 'reload' });
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await index.clone().arrayBuffer()));
  const found = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
  if (!index.ok || found !== VERSION) throw new Error('index.html is not that of this worker');
  await cache.put('index.html', index);
  await cache.addAll(FILES.slice(2));
}

async function forgetOthers() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith('hemotk-') && name !== CACHE).map((name) => caches.delete(name)));
  await worker.clients.claim();
}

/** @param {Request} request */
async function answer(request) {
  const cache = await caches.open(CACHE);
  const isPage = request.mode === 'navigate';
  return (await cache.match(isPage ? 'index.html' : request, { ignoreSearch: true })) ?? fetch(request);
}

worker.addEventListener('install', (/** @type {any} */ event) => {
  worker.skipWaiting();
  event.waitUntil(keep());
});
worker.addEventListener('activate', (/** @type {any} */ event) => event.waitUntil(forgetOthers()));
worker.addEventListener('fetch', (/** @type {any} */ event) => {
  const own = FILES.map((name) => new URL(name, worker.registration.scope).href.split('#')[0]);
  if (event.request.method === 'GET' && own.includes(event.request.url.split(/[?#]/)[0])) event.respondWith(answer(event.request));
});
