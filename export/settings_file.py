"""`settings.toml` of a bundle: what it was exported with, as options of `hemotk export`.

It names no run and no path.
"""

from hemotk.exporting.config import ExportConfig
from hemotk.render.toml import Value, section


def export_settings(config: ExportConfig) -> str:
    """The settings of an export as TOML. Outputs and steps are those of the first recipe, since all have the same."""
    recipes = config.recipes
    values: dict[str, Value] = {
        "quantize": list(config.kinds) or ["none"],
        "calibration": config.calibration,
        "author": config.author,
        "license": config.license,
        "cam": config.cam,
        "auto": config.auto is not None,
    }
    if config.auto is not None:
        values["max-accuracy-drop"] = config.auto.accuracy_drop
        values["max-score-drift"] = config.auto.score_drift
    if recipes:
        values["outputs"] = recipes[0].outputs
        values["without"] = list(recipes[0].without)
    return section(
        "export",
        values,
        ("How this bundle was exported. hemotk export RUN --config THIS_FILE --out ANOTHER_BUNDLE exports it again.",),
    )
