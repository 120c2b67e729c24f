"""The rooms of the project and who may import whom; see the table."""

import ast
import configparser
import os
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from longest_files import LONGEST

ROOT = Path(__file__).parents[1]
FOLDERS = {"hemotk": ROOT / "toolkit", "hemotk.exporting": ROOT / "export", "hemotk.benchmarks": ROOT / "benchmarks"}

# Each may import those before it.
BOTTOM = (
    "errors",
    "progress",
    "quiet",
    "aside",
    "files",
    "probing",
    "artifacts",
    "render",
    "environment",
    "stats",
    "tflite",
)
# Above them: which of the others each may import.
ROOMS: dict[str, set[str]] = {
    "data": set(),
    "models": set(),
    "store": {"models"},
    "predict": {"data", "store"},
    "describe": {"data", "models", "store"},
    "android": {"data", "store"},
    "web": {"store"},
    "embedding": {"data", "store"},
    "training": {"data", "models", "store"},
    "experiments": {"data", "models", "store", "training"},
    "planning": {"data", "models", "store", "training"},
    "reviewing": {"data", "models", "store", "training", "experiments", "predict"},
    "pruning": {"data", "models", "store", "training"},
    "importing": {"data", "models", "store", "training"},
    "exporting": {"data", "models", "store", "describe", "embedding"},
    "benchmarks": {"data", "store"},
    "sweep": {"data", "models", "store", "training", "pruning", "exporting", "benchmarks"},
}
MAY_IMPORT: dict[str, set[str]] = {
    "": {"_version", "api", "errors"},
    "_version": set(),
    "__main__": {"cli"},
    **{room: {"_version", *BOTTOM[:index]} for index, room in enumerate(BOTTOM)},
    **{room: {"_version", *BOTTOM, *others} for room, others in ROOMS.items()},
    "api": {"_version", *BOTTOM, *ROOMS},
}
MAY_IMPORT["cli"] = set(MAY_IMPORT) - {"__main__"}

TENSORFLOW = {"tensorflow", "tf_keras", "keras", "tensorflow_model_optimization", "litert_quantizer"}
HEAVY = TENSORFLOW | {
    "filelock",
    "matplotlib",
    "scipy",
    "sklearn",
    "h5py",
    "pandas",
}  # none of it in the device install
NO_MODULES = {"hemotk.android_stub"}  # sources of the app, which the package carries
# At the top of a module; benchmarks may not even inside a function.
MAY_BE_HEAVY = {"planning", "models", "training", "pruning", "importing", "exporting", "sweep"}


def module_name(path: Path) -> str:
    """`toolkit/cli/main.py` → `hemotk.cli.main`."""
    for package, folder in FOLDERS.items():
        if path.is_relative_to(folder):
            parts = path.relative_to(folder).with_suffix("").parts
            return ".".join((package, *(part for part in parts if part != "__init__")))
    raise ValueError(path)


def room(module: str) -> str:
    """`hemotk.cli.main` → `cli`; the empty word for `hemotk` itself."""
    return [*module.split("."), ""][1]


def imports(source: str, module: str, *, package: bool = False) -> Iterator[tuple[str, bool]]:
    """Every module that the source may import, and whether it does so when it is itself imported."""
    tree = ast.parse(source)
    inner = {
        id(node)
        for outer in ast.walk(tree)
        if isinstance(outer, (ast.FunctionDef, ast.AsyncFunctionDef)) or is_type_checking(outer)
        for node in ast.walk(outer)
    }
    here = module.split(".") if package else module.split(".")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((name.name, id(node) not in inner) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join([*here[: len(here) - node.level + 1], *filter(None, [node.module])]) if node.level else None
            origin = base or node.module or ""
            names = [f"{origin}.{name.name}" for name in node.names] if origin == "hemotk" else [origin]
            yield from ((name, id(node) not in inner) for name in names)


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def breaches(source: str, module: str, *, package: bool = False) -> list[str]:
    """What the source imports against the rules."""
    here = room(module)
    if here not in MAY_IMPORT:
        return [f"{module}: '{here}' is a new room; say in MAY_IMPORT what it may import"]
    found = []
    for name, at_top in imports(source, module, package=package):
        top = name.split(".")[0]
        there = room(name)
        if top == "hemotk" and there != here and there not in MAY_IMPORT[here]:
            found.append(f"{module} imports {name}: '{here}' must not import '{there or 'hemotk'}'")
        if top in HEAVY and (here == "benchmarks" or (at_top and here not in MAY_BE_HEAVY)):
            found.append(f"{module} imports {name}, which the device install has not")
    return found


def sources() -> list[Path]:
    """The modules of the package."""
    return sorted(path for folder in FOLDERS.values() for path in folder.rglob("*.py"))


def test_imports_go_one_way() -> None:
    found = [
        breach
        for path in sources()
        for breach in breaches(path.read_text("utf-8"), module_name(path), package=path.name == "__init__.py")
    ]
    assert not found, "\n".join(found)


def test_measuring_knows_nothing_of_the_judging() -> None:
    judging = ("hemotk.benchmarks.judge", "hemotk.benchmarks.report", "hemotk.benchmarks.config")
    found = [
        f"{path.name} imports {name}"
        for path in (ROOT / "benchmarks/measure").glob("*.py")
        for name, _ in imports(path.read_text("utf-8"), module_name(path))
        if name.startswith(judging)
    ]
    assert not found, "\n".join(found)


CARDS = re.compile(r"\b(RunCard|BundleCard|TestSetCard)\.(read|from_dict)\(")
# Whether a card beside a model vouches for it is asked below the store.
MAY_READ_CARDS = {"hemotk.store.cards", "hemotk.tflite.facts"}


def test_runs_bundles_and_test_sets_are_opened_by_the_store_alone() -> None:
    readers = {module_name(path) for path in sources() if CARDS.search(path.read_text("utf-8"))}
    assert readers == MAY_READ_CARDS


def class_names(source: str) -> Iterator[str]:
    """The public classes that stand at the top of a module."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield node.name


def repeated_classes(modules: dict[str, str]) -> dict[str, list[str]]:
    """Public class names that occur in several modules, given the source of each module."""
    places: dict[str, list[str]] = {}
    for module, source in modules.items():
        for name in class_names(source):
            places.setdefault(name, []).append(module)
    return {name: found for name, found in places.items() if len(found) > 1}


def test_no_two_public_classes_have_one_name() -> None:
    assert not repeated_classes({module_name(path): path.read_text("utf-8") for path in sources()})


def test_a_repeated_class_name_is_caught() -> None:
    modules = {"one": "class Twice: ...\nclass _Own: ...", "two": "class Twice: ...\nclass _Own: ...\nclass Once: ..."}
    assert repeated_classes(modules) == {"Twice": ["one", "two"]}


PUBLISHING = re.compile(r"\bcard\w*\.write\(|\.write\(.*\b(RUN|BUNDLE)_CARD\b")
# A phone gets a nameless copy.
MAY_WRITE_CARDS = {"hemotk.store.publish", "hemotk.android.app", "hemotk.benchmarks.measure.adb"}


def test_they_are_published_by_the_store_alone() -> None:
    writers = {module_name(path) for path in sources() if PUBLISHING.search(path.read_text("utf-8"))}
    assert writers <= MAY_WRITE_CARDS, writers


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("hemotk.errors", "import hemotk.files"),
        ("hemotk.files", "from hemotk import artifacts"),
        ("hemotk.artifacts.codec", "from hemotk.data.scan.folder import scan"),
        ("hemotk.data.scan.folder", "from hemotk.models import shape"),
        ("hemotk.data.scan.folder", "def late():\n    from ...cli.main import run"),
        ("hemotk.models.build", "from hemotk.training.loop import train"),
        ("hemotk.training.loop", "import hemotk.exporting.tflite.convert as convert"),
        ("hemotk.exporting.tflite.convert", "from hemotk.training.loop import train"),
        ("hemotk.exporting.tflite.convert", "from hemotk.benchmarks import latency"),
        ("hemotk.benchmarks.judge.gate", "from hemotk import exporting"),
        ("hemotk.benchmarks.judge.gate", "def late():\n    import tensorflow as tf"),
        ("hemotk.benchmarks.judge.gate", "def late():\n    from hemotk.training.loop import train"),
        ("hemotk.stats.metrics", "from hemotk.tflite.scorer import load"),
        ("hemotk.cli.bench", "import matplotlib.pyplot as plt"),
        ("hemotk.stats.metrics", "import scipy.stats"),
        ("hemotk.cli.bench", "try:\n    import tf_keras\nexcept ImportError:\n    pass"),
        ("hemotk.data.read.pipeline", "import tensorflow as tf"),
        ("hemotk.news.feed", "import os"),
    ],
)
def test_a_planted_breach_is_caught(module: str, source: str) -> None:
    assert len(breaches(source, module)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("hemotk.cli.train", "def train():\n    import tensorflow\n    from hemotk.training.loop import train"),
        ("hemotk.training.loop", "import tf_keras\nfrom hemotk.data import scan\nfrom . import config"),
        ("hemotk.cli.options", "if TYPE_CHECKING:\n    import tensorflow"),
        ("hemotk.__main__", "from hemotk.cli.main import main"),
    ],
)
def test_what_is_allowed_is_no_breach(module: str, source: str) -> None:
    assert breaches(source, module) == []


def test_the_files_that_are_begun_first_are_there() -> None:
    assert [name for name in LONGEST if not (ROOT / "tests" / name).is_file()] == []


def test_every_package_is_installed() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", "utf-8")
    listed = set(config["options"]["packages"].split())
    assert {module_name(path.parent / "__init__.py") for path in sources()} | NO_MODULES == listed
    assert all((path.parent / "__init__.py").is_file() for path in sources())


def test_the_device_side_loads_no_training_library() -> None:
    light = [
        module_name(path)
        for path in sources()
        if room(module_name(path)) not in MAY_BE_HEAVY and path.stem != "__main__"
    ]
    assert "hemotk.cli.main" in light
    assert "hemotk.benchmarks" in light
    code = (
        "import importlib, sys\n"
        f"for name in {light!r}: importlib.import_module(name)\n"
        f"print(sorted({HEAVY!r} & set(sys.modules)))"
    )
    assert run_python("-c", code) == "[]"


def test_help_loads_neither_training_libraries_nor_numpy() -> None:
    code = (
        "import sys\nfrom hemotk.cli.main import run\n"
        "assert run(['--help']) == 0\n"
        f"print(sorted({HEAVY | {'numpy', 'PIL', 'rich', 'ai_edge_litert'}!r} & set(sys.modules)))"
    )
    assert run_python("-c", code).splitlines()[-1] == "[]"


def run_python(*arguments: str) -> str:
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.skipif(not hasattr(os, "wait4"), reason="this system does not say how long a child process has worked")
def test_help_takes_under_300_ms() -> None:
    # Processor time rather than time on the wall: it hardly depends on what else the machine does.
    seconds = []
    for _ in range(5):
        child = subprocess.Popen([sys.executable, "-m", "hemotk", "--help"], stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        assert child.returncode == 0
        seconds.append(used.ru_utime + used.ru_stime)
    assert statistics.median(seconds) < 0.3


def test_the_picture_in_the_documents_shows_the_rules() -> None:
    sys.path.insert(0, str(ROOT / "studies"))
    try:
        import draw_architecture as drawn
    finally:
        sys.path.remove(str(ROOT / "studies"))
    shown = {room: reached - {"bottom"} for room, reached in drawn.imports().items() if room != "bottom"}
    # The exceptions that docs/ARCHITECTURE.md names below the picture.
    for room in ("predict", "android", "web", "embedding", "benchmarks"):
        shown[room].discard("models")
    shown["sweep"] -= {"describe", "embedding"}
    shown["__main__"] = {"cli"}
    rules = {room: MAY_IMPORT[room] - {"_version", *BOTTOM, "", room} for room in shown}
    assert shown == rules
    assert " ← ".join(BOTTOM) in drawn.ROOMS["bottom"].text
    for name, content in (("flow", drawn.flow()), ("rooms", drawn.rooms())):
        assert (ROOT / f"docs/images/architecture-{name}.svg").read_text("utf-8") == content
