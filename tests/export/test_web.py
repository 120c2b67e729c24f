"""The page with a bundle in it, as Python writes it; what it does in a browser is tested by `make test-web`."""

import base64
import gzip
import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from exportable_runs import make_densenet_run
from PIL import Image
from random_networks import random_pixels, tiny_shape

import hemotk
from hemotk.artifacts import BUNDLE_CARD, GOLDEN_FILE, BundleCard, SiteCard
from hemotk.cli.main import run
from hemotk.data.scan.folder import scan
from hemotk.data.split.make import SplitConfig, make_split
from hemotk.errors import HemotkError
from hemotk.exporting.bundle import export_run
from hemotk.exporting.config import ExportConfig
from hemotk.exporting.recipe import Recipe
from hemotk.files import sha256_bytes, sha256_file
from hemotk.store.publish import beside_bundle
from hemotk.tflite.scorer import Scorer
from hemotk.web.page_file import Programs
from hemotk.web.runtime import BUILT, load_runtime

SIZE = 48
PART = re.compile(r'<script type="text/plain" id="part-(\w+)">([^<]*)</script>')


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with an int8 model and maps, which no test may write to."""
    home = tmp_path_factory.mktemp("web")
    for place, pixels in enumerate(random_pixels(36, 70, seed=5)):
        path = home / "data" / ("normal", "hemorrhage")[place % 2] / f"{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    split = make_split(scan(home / "data"), SplitConfig(grouping="none"))
    made_run = make_densenet_run(home / "runs" / "first", split, tiny_shape(), SIZE)
    export_run(
        made_run, home / "bundles" / "first", ExportConfig((Recipe("int8", outputs="uint8"),), calibration=8, cam=True)
    )
    return home / "bundles" / "first"


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    """A copy of the bundle that a test may change."""
    for source, target in ((made, tmp_path / "first"), (beside_bundle(made), tmp_path / "first.testset")):
        target.mkdir()
        for path in source.iterdir():
            (target / path.name).write_bytes(path.read_bytes())
    return tmp_path / "first"


def parts(page: str) -> dict[str, bytes]:
    """The parts of a page, unpacked."""
    return {name: gzip.decompress(base64.b64decode(text)) for name, text in PART.findall(page)}


def test_a_site_holds_the_model_the_runtime_and_what_the_device_is_checked_by(made: Path, tmp_path: Path) -> None:
    written = hemotk.web_page(made, tmp_path / "site")
    page = (tmp_path / "site/index.html").read_text("utf-8")
    card = SiteCard.read(tmp_path / "site/site.json")
    found = parts(page)
    assert found["model"] == (made / card.model.file).read_bytes()
    assert {name: sha256_bytes(content) for name, content in found.items()} == card.parts
    assert set(found) == {"model", "golden", *load_runtime().files}
    assert json.loads(re.search(r'id="card">(.*?)</script>', page)[1]) == card.body()
    assert written.bytes == len(page.encode()) and written.test_images == 0
    assert card.parents == {"bundle": BundleCard.read(made / BUNDLE_CARD).nameless().sha256()}
    beside = {"site.json", "sw.js", "manifest.webmanifest", "icon.svg", "icon-192.png", "icon-512.png"}
    assert {path.name for path in (tmp_path / "site").iterdir()} == {"index.html", *beside}
    assert sha256_file(tmp_path / "site/index.html") in (tmp_path / "site/sw.js").read_text("utf-8")


def test_the_golden_outputs_are_the_bytes_of_the_interpreter(made: Path, tmp_path: Path) -> None:
    card = SiteCard.read(hemotk.web_page(made, tmp_path / "site").place / "site.json")
    with np.load(made / GOLDEN_FILE) as golden:
        pixels = golden["pixels"]
    scorer = Scorer((made / card.model.file).read_bytes(), card.preprocess)
    (spec,) = (output for output in card.model.outputs if output.name == "logit")
    for picture, seen in zip(card.golden, pixels, strict=True):
        (byte,) = bytes.fromhex(picture.outputs["logit"])
        score = scorer.score(seen)
        assert spec.scale * (byte - spec.zero_point) == score.logit
    assert len(card.probabilities) == 256
    assert card.probabilities[spec.zero_point] == 0.5
    assert list(card.probabilities) == sorted(card.probabilities)


def test_the_tolerance_is_that_of_the_card_where_it_says_one(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, said, wanted in (("none", None, 1e-4), ("some", 0.0023, 0.0023)):
        monkeypatch.setattr(BundleCard, "tolerance", lambda card, kind, said=said: said, raising=False)
        assert SiteCard.read(hemotk.web_page(made, tmp_path / name).place / "site.json").tolerance == wanted


def test_a_single_file_needs_nothing_beside_it(made: Path, tmp_path: Path) -> None:
    hemotk.web_page(made, tmp_path / "page.html", single_file=True)
    page = (tmp_path / "page.html").read_text("utf-8")
    start = page[: page.index("<style>")]
    assert "connect-src 'none'" in start and "manifest" not in start.replace("manifest-src 'none'", "")
    assert not re.findall(r'(?:src|href)="(?!data:)', start)


def test_the_policy_admits_the_programs_of_the_page_and_nothing_else(made: Path, tmp_path: Path) -> None:
    page = (hemotk.web_page(made, tmp_path / "site").place / "index.html").read_text("utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    app = re.search(r"<script>(.*?)</script>", page, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(app.encode()).digest()).decode()
    assert rules["script-src"] == f"'sha256-{digest}' 'wasm-unsafe-eval'"
    assert rules["default-src"] == rules["connect-src"] == rules["form-action"] == "'none'"
    assert "http" not in policy


def test_the_test_set_goes_in_on_demand_alone(made: Path, tmp_path: Path) -> None:
    written = hemotk.web_page(made, tmp_path / "site", with_testset=True)
    found = parts((tmp_path / "site/index.html").read_text("utf-8"))
    images = np.load(beside_bundle(made) / "images.npy")
    assert found["testset"] == images.tobytes() and written.test_images == len(images)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: (folder / "checks.json").write_text("[]"), "checksum"),
        (lambda folder: (folder / "model_int8.tflite").write_bytes(b"TFL3"), "checksum"),
        (lambda folder: (folder / GOLDEN_FILE).write_bytes(b""), "checksum"),
        (lambda folder: edit(folder, "variants", lambda card: card.variants[:1]), "has no int8 model"),
        (lambda folder: edit(folder, "files", lambda card: {}), "field 'files' has no"),
    ],
)
def test_a_bundle_that_was_not_verified_is_refused(copy: Path, tmp_path: Path, spoil, words: str) -> None:
    spoil(copy)
    with pytest.raises(HemotkError, match=words):
        hemotk.web_page(copy, tmp_path / "site")
    assert not (tmp_path / "site").exists()


def edit(folder: Path, field: str, change) -> None:
    """Rewrite a field of the bundle's card."""
    card = BundleCard.read(folder / BUNDLE_CARD)
    replace(card, **{field: change(card)}).write(folder / BUNDLE_CARD)


def test_the_command_writes_a_site_and_replaces_only_what_it_made(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["web", str(made)]) == 0
    assert "wrote site, a page of" in capsys.readouterr().out
    assert run(["web", str(made)]) == 2
    assert "site: already exists" in capsys.readouterr().err
    assert run(["web", str(made), "--overwrite"]) == 0
    assert run(["web", str(made), "--single-file", "--with-testset"]) == 0
    assert "test images: do not pass this page on" in capsys.readouterr().out
    assert (tmp_path / "hemotk.html").is_file()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("mine")
    assert run(["web", str(made), "--out", "mine", "--overwrite"]) == 2
    assert "hemotk did not make" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--single-file --out folder", "name a .html file"),
        ("--single-file --serve", "leave one of both out"),
        ("--port 8000", "is for --serve"),
    ],
)
def test_options_that_do_not_fit_are_named(made: Path, tmp_path: Path, options: str, words: str, capsys) -> None:
    out = [] if "--out" in options or "--serve" in options else ["--out", str(tmp_path / "site")]
    assert run(["web", str(made), *options.replace("folder", str(tmp_path / "folder")).split(), *out]) == 2
    assert words in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_serving_shows_the_page_on_loopback_and_leaves_nothing(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import http.server
    import urllib.request

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    shown: list[tuple[str, str]] = []

    def once(server: http.server.HTTPServer) -> None:
        import threading

        address = f"http://127.0.0.1:{server.server_port}/"
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        with urllib.request.urlopen(address) as answer:
            shown.append((address, answer.read().decode()))
        thread.join()
        raise KeyboardInterrupt

    monkeypatch.setattr(http.server.ThreadingHTTPServer, "serve_forever", once)
    assert run(["web", str(made), "--serve"]) == 130
    ((address, page),) = shown
    assert address.startswith("http://127.0.0.1:") and address in capsys.readouterr().out
    assert "part-model" in page and list(tmp_path.iterdir()) == []


def test_the_runtime_is_that_of_its_record(tmp_path: Path) -> None:
    for path in BUILT.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    assert load_runtime(tmp_path).version == json.loads((BUILT / "packages.json").read_text())["@litertjs/core"]
    data = bytearray((tmp_path / "runtime.tar.xz").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "runtime.tar.xz").write_bytes(data)
    with pytest.raises(HemotkError, match="checksum"):
        load_runtime(tmp_path)
    (tmp_path / "worker.js").write_text("x = '</script>'")
    with pytest.raises(HemotkError, match="cannot stand in a page"):
        Programs.load(tmp_path)
