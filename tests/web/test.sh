#!/usr/bin/env bash
# Proves the page of `hemotk web` in Node and in Chromium, and those of `hemotk review`, `bench` and `data audit`; `make test-web` calls it. Skips,
# and says why, where node, npm or Chromium cannot be had. PYTHON is an interpreter with hemotk[train]; BUNDLE is a bundle with its test set to use instead of a
# small one that is trained here (with `hemotk export --cam`); SHOTS is a folder for pictures of the page.
set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "$0")/../.."

PYTHON=${PYTHON:-python3}
WORK=$PWD/build/web
BUILT=toolkit/web/built

say() { printf '\n== %s\n' "$*"; }

skip() {
    printf '\nSKIPPED: test-web: %s\n' "$*"
    exit 0
}

command -v node > /dev/null || skip "node is not installed"
command -v npm > /dev/null || skip "npm is not installed"
node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' || skip "node $(node --version) is older than 20"
CHROMIUM=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)}
[[ -n $CHROMIUM ]] || skip "Chromium is not installed"
export CHROMIUM

say "packages"
mkdir -p "$WORK"
rm -rf "$WORK"/{page,node,browser}
cp -r toolkit/web/page "$WORK/page"
cp -r tests/web/node tests/web/browser "$WORK/"
cp toolkit/web/page/package.json toolkit/web/page/package-lock.json "$WORK/"
if ! cmp -s "$WORK/package-lock.json" "$WORK/node_modules/.lock"; then
    (cd "$WORK" && npm ci --no-audit --no-fund --loglevel=error > npm.log 2>&1) ||
        { tail -3 "$WORK/npm.log"; skip "the npm registry cannot be reached, or a package is not the recorded one"; }
    cp "$WORK/package-lock.json" "$WORK/node_modules/.lock"
fi

say "types, and the bundle as it is kept"
"$WORK/node_modules/.bin/tsc" -p "$WORK/page"
rm -rf "$WORK/built"
LICENSE=$PWD/LICENSE node "$WORK/page/build.mjs" "$WORK/built"
for file in "$WORK"/built/*; do
    cmp "$file" "$BUILT/$(basename "$file")" ||
        { echo "test-web: $BUILT is not what toolkit/web/page makes; run 'make web'." >&2; exit 1; }
done
"$PYTHON" studies/pack_web_runtime.py --check "$WORK/node_modules" "$BUILT"

say "pictures: the bytes of Python"
rm -rf "$WORK/families" && "$PYTHON" -W ignore tests/web/write_families.py "$WORK/families"
"$PYTHON" -W ignore android_stub/tools/write_vectors.py "$WORK/vectors"
(cd "$WORK" && FAMILIES=$WORK/families VECTORS=$WORK/vectors node --test --test-force-exit --test-reporter=dot node/)

if [[ -z ${BUNDLE:-} ]]; then
    say "training a small network"
    rm -rf "$WORK/small" && mkdir -p "$WORK/small"
    (
        cd "$WORK/small"
        hemotk() { "$PYTHON" -m hemotk "$@" > log.txt 2>&1 || { cat log.txt >&2; return 1; }; }
        hemotk data phantom slices --count 40
        hemotk data split slices --out split.json
        hemotk train split.json --arch densenet-tiny --size 64 --epochs 1 --out runs/small
        hemotk export runs/small --quantize int8 --outputs uint8 --cam --out bundles/small
        hemotk export runs/small --quantize int8 --cam --out bundles/float_head
    )
    BUNDLE=$WORK/small/bundles/small
    FLOAT_HEAD=$WORK/small/bundles/float_head
fi

export REVIEW=$WORK/review.html
export SITE=$WORK/site SINGLE=$WORK/hemotk.html LEAKY=$WORK/leaky.html WANTED=$WORK/wanted
pages() { # BUNDLE
    rm -rf "$SITE" "$SINGLE" "$LEAKY" "$WANTED"
    "$PYTHON" -m hemotk web "$1" --out "$SITE" --with-testset > /dev/null
    "$PYTHON" -m hemotk web "$1" --out "$SINGLE" --single-file > /dev/null
    "$PYTHON" tests/web/write_leaky.py "$1" "$LEAKY"
    "$PYTHON" -W ignore tests/web/write_expected.py "$1" "$WANTED"
}

if [[ -n ${FLOAT_HEAD:-} ]]; then
    say "the page in Chromium, with a head in float32"
    pages "$FLOAT_HEAD"
    (cd "$WORK" && node --test --test-force-exit --test-reporter=spec \
        --test-name-pattern='whole test split|pictures get|golden outputs' browser/page.test.js browser/refusals.test.js)
fi

say "the page in Chromium"
pages "$BUNDLE"
"$PYTHON" -m hemotk review "$BUNDLE" --pictures --near 0.3 --out "$REVIEW" --overwrite > /dev/null 2>&1
export PAGES=$WORK/pages
rm -rf "$PAGES" && mkdir -p "$PAGES"
"$PYTHON" -m hemotk data phantom "$PAGES/slices" --count 12 > /dev/null 2>&1
"$PYTHON" -m hemotk data audit "$PAGES/slices" --html "$PAGES/audit.html" --pictures > /dev/null 2>&1
# A network of one epoch may fail a limit; the page is written all the same.
"$PYTHON" -m hemotk bench "$BUNDLE" --no-timing --html "$PAGES/bench.html" > /dev/null 2>&1 || [[ -f $PAGES/bench.html ]]
(cd "$WORK" && node --test --test-force-exit --test-concurrency=2 --test-reporter=spec browser/)

say "a bench of the page is read by hemotk bench --import"
# A network of one epoch may have any shift; here it is the reading of the file that counts.
"$PYTHON" -m hemotk bench "$BUNDLE" --import "$WANTED/bench.json" --no-timing --max-logit-shift 1 > "$WORK/bench.txt" 2>&1 ||
    { cat "$WORK/bench.txt" >&2; exit 1; }
grep -i -m1 "browser" "$WORK/bench.txt"
