"""Each snippet is run on the golden set where its language is at hand; see `snippet_stubs` for what stands in."""

import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from snippet_stubs import (
    BROWSER_JS,
    JAVA,
    KOTLIN_MAIN,
    STB_IMAGE,
    c_api,
    java_interpreter,
    litert_js,
    with_swapped_colours,
    write_raw,
)

from hemotk.artifacts import BUNDLE_CARD, BundleCard
from hemotk.embedding.snippets import LANGUAGES, snippet
from hemotk.errors import HemotkError

KINDS = ("float32", "int8")
M2 = Path.home() / ".m2/repository/org"
KOTLIN_JARS = (
    "jetbrains/kotlin/kotlin-compiler/1.9.25/kotlin-compiler-1.9.25.jar",
    "jetbrains/kotlin/kotlin-stdlib/1.9.25/kotlin-stdlib-1.9.25.jar",
    "jetbrains/kotlin/kotlin-script-runtime/1.9.25/kotlin-script-runtime-1.9.25.jar",
    "jetbrains/kotlin/kotlin-reflect/1.6.10/kotlin-reflect-1.6.10.jar",
    "jetbrains/intellij/deps/trove4j/1.0.20200330/trove4j-1.0.20200330.jar",
    "jetbrains/annotations/13.0/annotations-13.0.jar",
    "jetbrains/kotlinx/kotlinx-coroutines-core-jvm/1.5.0/kotlinx-coroutines-core-jvm-1.5.0.jar",
)
RUNTIME_AARS = ("tensorflow-lite", "tensorflow-lite-api")


@pytest.fixture(scope="module")
def copied(tmp_path_factory, fed: Path) -> Path:
    folder = tmp_path_factory.mktemp("copied") / "fed"
    shutil.copytree(fed, folder)
    write_raw(folder)
    return folder


@pytest.fixture(scope="module")
def swapped(copied: Path) -> Path:
    return with_swapped_colours(copied, copied.with_name("swapped"))


def said(*command: object, cwd: Path) -> tuple[int, str]:
    done = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def needs(tool: str) -> None:
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")


@pytest.mark.parametrize("kind", KINDS)
def test_python_scores_the_golden_set(fed: Path, swapped: Path, tmp_path: Path, kind: str) -> None:
    (tmp_path / "slices.py").write_text(snippet(fed, "python", kind))
    code, words = said(sys.executable, "slices.py", fed, cwd=tmp_path)
    assert code == 0 and "golden set: same pixels, same scores" in words, words
    code, words = said(sys.executable, "slices.py", swapped, cwd=tmp_path)
    assert code == 1 and "golden_4.png: other pixels" in words


@pytest.mark.parametrize("kind", KINDS)
def test_cpp_gives_the_bytes(fed: Path, copied: Path, swapped: Path, tmp_path: Path, kind: str) -> None:
    needs("g++")
    header = tmp_path / "tensorflow/lite/c/c_api.h"
    header.parent.mkdir(parents=True)
    header.write_text(c_api(fed, kind))
    (tmp_path / "stb_image.h").write_text(STB_IMAGE)
    (tmp_path / "slices.cc").write_text(snippet(fed, "cpp", kind))
    strict = ("-std=c++17", "-Wall", "-Wextra", "-Wconversion", "-Wno-sign-conversion", "-Werror", "-I.")
    code, words = said("g++", *strict, "-fsyntax-only", "slices.cc", cwd=tmp_path)
    assert code == 0, words
    code, words = said("g++", *strict, "-O1", "-DGOLDEN_TEST", "slices.cc", "-o", "golden", cwd=tmp_path)
    assert code == 0, words
    code, words = said("./golden", copied, cwd=tmp_path)
    assert code == 0 and words.count("probability") == 5 and "OTHER" not in words, words
    code, words = said("./golden", swapped, cwd=tmp_path)
    assert code == 1 and re.search("golden_4.png: .*OTHER PIXELS.*OTHER LOGIT", words) and words.count("PIXELS") == 1


@pytest.mark.parametrize("kind", KINDS)
def test_javascript_gives_the_bytes(fed: Path, copied: Path, swapped: Path, tmp_path: Path, kind: str) -> None:
    needs("node")
    package = tmp_path / "node_modules/@litertjs/core"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"type": "module", "main": "index.js"}')
    (package / "index.js").write_text(litert_js(fed, kind))
    (tmp_path / "snippet.mjs").write_text(snippet(fed, "javascript", kind))
    (tmp_path / "main.mjs").write_text(BROWSER_JS)
    code, words = said("node", "main.mjs", copied, cwd=tmp_path)
    assert code == 0 and json.loads(words) == [], words
    code, words = said("node", "main.mjs", swapped, cwd=tmp_path)
    faults = json.loads(words)
    assert code == 0 and all(fault.startswith("golden_4.png: ") for fault in faults)
    assert "other pixels" in faults[0] and "logit" in faults[1]


def test_kotlin_gives_the_bytes(fed: Path, swapped: Path, tmp_path: Path) -> None:
    jars = [M2 / jar for jar in KOTLIN_JARS]
    aars = [next(iter((M2 / "tensorflow" / name).glob(f"*/{name}-*.aar")), None) for name in RUNTIME_AARS]
    needs("javac")
    if not all(jar.is_file() for jar in jars) or None in aars:
        pytest.skip("the Kotlin compiler of `make test-android` is not in ~/.m2")
    classes = []
    for aar in aars:
        with zipfile.ZipFile(aar) as archive:
            classes.append(tmp_path / f"{aar.stem}.jar")
            classes[-1].write_bytes(archive.read("classes.jar"))
    sources = {**JAVA, "org/tensorflow/lite/Interpreter.java": java_interpreter(fed, "int8")}
    for name, text in sources.items():
        (tmp_path / "java" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "java" / name).write_text(text)
    javac = ("javac", "-d", "android", *(f"java/{name}" for name in JAVA))
    assert said(*javac, cwd=tmp_path) == (0, "")
    assert said("javac", "-d", "fake", "java/org/tensorflow/lite/Interpreter.java", cwd=tmp_path) == (0, "")
    (tmp_path / "Slices.kt").write_text(snippet(fed, "kotlin"))
    (tmp_path / "Main.kt").write_text(KOTLIN_MAIN)
    (tmp_path / "float32.kt").write_text(snippet(fed, "kotlin", "float32").replace("package slices", "package floats"))
    # Compiled against the real Interpreter, run with the one that stands in.
    path = ":".join(map(str, ("android", *classes, jars[1])))
    compiler = (
        "java",
        "-XX:TieredStopAtLevel=1",
        "-cp",
        ":".join(map(str, jars)),
        "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler",
        "-no-stdlib",
    )
    code, words = said(
        *compiler, "-no-reflect", "-cp", path, "-d", "out", "Slices.kt", "Main.kt", "float32.kt", cwd=tmp_path
    )
    assert code == 0, words
    run = ("java", "-cp", f"out:fake:android:{jars[1]}", "slices.MainKt")
    assert said(*run, fed, cwd=tmp_path) == (0, "")
    code, words = said(*run, swapped, cwd=tmp_path)
    faults = words.splitlines()
    assert code == 0 and "golden_4.png: other pixels" in faults[0] and "golden_4.png: logit" in faults[1]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_language_has_the_bundles_facts(fed: Path, language: str, kind: str) -> None:
    text = snippet(fed, language, kind)
    card = BundleCard.read(fed / BUNDLE_CARD)
    variant = card.variant(kind)
    logit = next(output for output in variant.outputs if output.name == "logit")
    facts = ["0.3", "1.75", variant.file, variant.sha256, '"normal"', '"hemorrhage"', "0.05"]
    facts += [repr(logit.scale), str(logit.zero_point)] if kind == "int8" else [repr(card.preprocess.scale), "115"]
    models = json.loads((fed / "golden.json").read_text("utf-8"))["models"]
    facts += [repr(score["logit"]) for score in next(each for each in models if each["kind"] == kind)["scores"]]
    for fact in facts:
        assert fact in text, fact
    assert text.count("golden_") >= 6 and "Research, not for diagnosis" in text
    assert not re.search(r"@[A-Z0-9_]+@|^%", text, re.MULTILINE) and max(map(len, text.splitlines())) <= 130
    uncompiled = language in ("swift", "dart")
    assert ("could not compile" in text) == uncompiled


def test_labels_are_written_as_each_language_quotes_them(fed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "odd"
    shutil.copytree(fed, folder)
    path = folder / BUNDLE_CARD
    path.write_text(path.read_text("utf-8").replace('"hemorrhage"', '"a \\"$b\\" @SIZE@"'), "utf-8")
    assert r'"a \"\$b\" @SIZE@"' in snippet(folder, "kotlin")
    assert r'"a \"\$b\" @SIZE@"' in snippet(folder, "dart")
    assert r'"a \"$b\" @SIZE@"' in snippet(folder, "python")


def test_what_cannot_be_written_is_refused(fed: Path, bundle: Path) -> None:
    with pytest.raises(HemotkError, match="language rust: is unknown; choose one of kotlin, swift"):
        snippet(fed, "rust")
    with pytest.raises(HemotkError, match=r"variant fp16: is not in .*; choose one of float32, int8"):
        snippet(fed, "python", "fp16")
    with pytest.raises(HemotkError, match="an older hemotk made this bundle"):
        snippet(bundle, "python")
