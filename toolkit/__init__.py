"""hemotk: head CT hemorrhage classifiers, from a folder of images to a checked int8 .tflite.

    import hemotk

    split = hemotk.split("head_ct", out="split.json")
    run = hemotk.train(split, arch="densenet201", out="runs/first")
    bundle = hemotk.export(run, quantize="int8", out="bundles/first")
    report = hemotk.bench(bundle)
    print(report.verdict, hemotk.load(bundle)("slice.png").probability)

Everything named in `__all__` is public. It is loaded when it is first used, so that the import itself takes a moment
and no TensorFlow.
"""

import importlib
from typing import TYPE_CHECKING, Any

from hemotk._version import VERSION as __version__

if TYPE_CHECKING:
    from hemotk.api.apps import AndroidApp, Verification, WebPage, android_app, snippet, verify, web_page
    from hemotk.api.benching import Report, bench
    from hemotk.api.bundles import Bundle, export
    from hemotk.api.data import Audit, Split, audit, draw_phantoms, folds, merge, read_patients, split
    from hemotk.api.describing import Info, card, info
    from hemotk.api.experiments import ComparedRuns, Runs, RunStrata, compare_runs, runs, strata
    from hemotk.api.planning import Plan, plan
    from hemotk.api.prunings import prune, prune_magnitude
    from hemotk.api.reviews import Review, review
    from hemotk.api.runs import CrossValidation, Run, cross_validate, import_model, train
    from hemotk.api.scoring import Classifier, Prediction, Predictions, load
    from hemotk.api.sweeps import Sweep, prune_sweep
    from hemotk.errors import CheckFailed, HemotkError, UnreadablePicture

__all__ = [
    "AndroidApp",
    "Audit",
    "Bundle",
    "CheckFailed",
    "Classifier",
    "ComparedRuns",
    "CrossValidation",
    "HemotkError",
    "Info",
    "Plan",
    "Prediction",
    "Predictions",
    "Report",
    "Review",
    "Run",
    "RunStrata",
    "Runs",
    "Split",
    "Sweep",
    "UnreadablePicture",
    "Verification",
    "WebPage",
    "__version__",
    "android_app",
    "audit",
    "bench",
    "card",
    "compare_runs",
    "cross_validate",
    "draw_phantoms",
    "export",
    "folds",
    "import_model",
    "info",
    "load",
    "merge",
    "plan",
    "prune",
    "prune_magnitude",
    "prune_sweep",
    "read_patients",
    "review",
    "runs",
    "snippet",
    "split",
    "strata",
    "train",
    "verify",
    "web_page",
]

_WHERE = {
    "hemotk.api.apps": ("AndroidApp", "Verification", "WebPage", "android_app", "snippet", "verify", "web_page"),
    "hemotk.api.benching": ("Report", "bench"),
    "hemotk.api.bundles": ("Bundle", "export"),
    "hemotk.api.data": ("Audit", "Split", "audit", "draw_phantoms", "folds", "merge", "read_patients", "split"),
    "hemotk.api.describing": ("Info", "card", "info"),
    "hemotk.api.experiments": ("ComparedRuns", "RunStrata", "Runs", "compare_runs", "runs", "strata"),
    "hemotk.api.planning": ("Plan", "plan"),
    "hemotk.api.prunings": ("prune", "prune_magnitude"),
    "hemotk.api.reviews": ("Review", "review"),
    "hemotk.api.runs": ("CrossValidation", "Run", "cross_validate", "import_model", "train"),
    "hemotk.api.scoring": ("Classifier", "Prediction", "Predictions", "load"),
    "hemotk.api.sweeps": ("Sweep", "prune_sweep"),
    "hemotk.errors": ("CheckFailed", "HemotkError", "UnreadablePicture"),
}


def __getattr__(name: str) -> Any:
    for module, names in _WHERE.items():
        if name in names:
            return getattr(importlib.import_module(module), name)
    raise AttributeError(f"module 'hemotk' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
