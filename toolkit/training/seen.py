"""What a network has learned from must not be what another one is judged on."""

from pathlib import Path

from hemotk.artifacts import RUN_CARD, SPLIT_FILE, WEIGHTS_FILE, RunCard, SplitManifest
from hemotk.errors import HemotkError


def seen(learned: SplitManifest, judged: SplitManifest) -> str | None:
    """An image of the validation or test part of `judged` that is known from the training part of `learned`, in words.

    None where there is no such image.
    """
    # Groups have names that mean something within one folder only.
    kinds = {"key": "image", "group": "group"} if learned.folder == judged.folder else {"key": "image"}
    for field, kind in kinds.items():
        known = {getattr(item, field) for item in learned.part("train")}
        for item in (*judged.part("validation"), *judged.part("test")):
            if getattr(item, field) in known:
                return f"'{item.path}' (same {kind})"
    return None


def check_unseen(weights: str, split: SplitManifest) -> None:
    """Check that given `weights`, if they are a run's, have not learned from what `split` judges on.

    Of a file outside a run, and of a network that was trained elsewhere, nobody knows.

    Raises:
        HemotkError: they have.
    """
    path = Path(weights)
    folder = path.parent if path.name == WEIGHTS_FILE else path
    if not ((folder / RUN_CARD).is_file() and (folder / SPLIT_FILE).is_file()):
        return
    if RunCard.read(folder / RUN_CARD).source == "imported":
        return
    found = seen(SplitManifest.read(folder / SPLIT_FILE), split)
    if found is not None:
        raise HemotkError(
            f"--weights {weights}: learned from {found}, which the new run would be judged on; train on the split of "
            "that run, or give weights that have not seen it."
        )
