"""Given weights that learned from pictures which look like those that the new run is judged on."""

from pathlib import Path

from hemotk.artifacts import SPLIT_FILE, WEIGHTS_FILE, SplitManifest
from hemotk.data.split.likeness import alike, not_compared, viewed
from hemotk.training.listener import Listener

_NOT_CHECKED = (
    "Whether the images look like those that the given weights learned from was not checked: those are not where they "
    "were, were never read, or are too many."
)


def likeness_notes(weights: str, split: SplitManifest, data: Path | None, listener: Listener) -> tuple[str, ...]:
    """Notes for the run's card on judged images that look like those that `weights`, if they are a run's, learned from.

    Equal files are refused before (`check_unseen`). A picture that was saved anew is another file, and is found here by
    its look. Of runs before that one only checksums are known. `data` is where the images of `split` lie.

    Raises:
        HemotkError: an image cannot be read.
    """
    path = Path(weights)
    run = path.parent if path.name == WEIGHTS_FILE else path
    if not (run / SPLIT_FILE).is_file():
        return ()
    earlier = SplitManifest.read(run / SPLIT_FILE)
    if earlier.folder == split.folder:  # compared when that folder was split
        return ()
    learned, judged = earlier.part("train"), (*split.part("validation"), *split.part("test"))
    if not_compared(earlier, split, len(learned), len(judged), data) is not None:
        return (_NOT_CHECKED,)
    listener.doing("comparing with the images that the weights learned from")
    pairs = alike(viewed(split, judged, data), viewed(earlier, learned))
    count = len({item.path for item, _ in pairs})
    if not count:
        return ()
    # Notes travel in bundles and model cards, so they name no file.
    return (
        f"Images of the validation and test part that look like images which the given weights learned from: {count}. "
        "The figures flatter. `hemotk data merge` with the splits of both names such images.",
    )
