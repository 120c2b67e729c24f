"""The page of a review: one HTML file with a program of its own, which may reach nothing."""

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hemotk.artifacts import Estimate
from hemotk.render.markup import Markup, element
from hemotk.render.numbers import NOTHING, with_interval
from hemotk.render.page import page, section
from hemotk.reviewing.pictures import Look
from hemotk.reviewing.subject import KINDS, Found, Kind, Reviewed
from hemotk.stats.metrics import decide, evaluate

_BINS, _WIDE, _HALF = 60, 720.0, 60.0
_EMPTY = "<span></span>"
_WORDS: Mapping[Kind, str] = {
    "missed": "missed (false negative)",
    "false alarm": "false alarm (false positive)",
    "flip": "flip",
    "near": "near the threshold",
}


def render(reviewed: Reviewed, found: Sequence[Found], near: float, looks: Mapping[int, Look]) -> str:
    """The whole document, well-formed as XML too; `looks` are the pictures that it shows, by place."""
    program = f"//<![CDATA[\n{_text('review.js')}//]]>"
    return page(
        f"Review of {reviewed.name}",
        _opening(reviewed, looks),
        section("Threshold", *_threshold(reviewed)),
        section("Slices", *_slices(reviewed, found, near, looks)),
        section("What is known of the images", *_known(reviewed)),
        element("script", _embedded(_data(reviewed, found)), type="application/json", id="data"),
        element("script", Markup(program)),
        policy=policy(program),
        style=_text("review.css"),
    )


def policy(program: str) -> str:
    """The Content-Security-Policy: this one program, pictures inside the page, and no connection at all."""
    digest = base64.b64encode(hashlib.sha256(program.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:; "
        "connect-src 'none'; form-action 'none'; base-uri 'none'"
    )


def _text(name: str) -> str:
    return resources.files("hemotk.reviewing").joinpath(name).read_text(encoding="utf-8")


def _embedded(content: Mapping[str, Any]) -> Markup:
    """JSON that ends no element, in HTML and in XML."""
    text = json.dumps(content, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))


def _data(reviewed: Reviewed, found: Sequence[Found]) -> dict[str, Any]:
    """What the program needs: all probabilities, and the listed slices."""
    models = [{"name": reviewed.model, "chances": reviewed.chances.tolist()}]
    if reviewed.parent_chances is not None:
        models.append({"name": "float32", "chances": reviewed.parent_chances.tolist()})
    return {
        "file": f"review-{reviewed.name}.csv",
        "threshold": reviewed.threshold,
        "labels": "".join(map(str, reviewed.labels.tolist())),
        "models": models,
        "rows": [
            {
                "at": one.place,
                "path": reviewed.paths[one.place],
                "group": reviewed.groups[one.place],
                "kinds": one.kinds,
                "subtypes": reviewed.subtypes.get(reviewed.paths[one.place], ()),
                "logit": float(reviewed.logits[one.place]),
                "parent": None if reviewed.parent is None else float(reviewed.parent[one.place]),
            }
            for one in found
        ],
    }


def _opening(reviewed: Reviewed, looks: Mapping[int, Look]) -> Markup:
    count, positives = len(reviewed.labels), int(reviewed.labels.sum())
    model = f"{reviewed.model}, " if reviewed.what == "bundle" else ""
    about = (
        f"{reviewed.what} {reviewed.folder.as_posix()}, {model}{reviewed.arch}: the {count} images of its "
        f"{reviewed.part} part, {positives} with label {reviewed.classes[1]}."
    )
    shows = " and shows pictures of patients" if looks else ""
    keep = f"Keep this page in the house: it names images by their paths{shows}."
    return element(
        "header",
        element("h1", f"Review of {reviewed.name}"),
        element("p", about, class_="soft"),
        element("p", keep, class_="keep"),
        element("p", "Research, not for diagnosis. The page sends nothing: its policy forbids every connection."),
    )


# --- threshold


def _threshold(reviewed: Reviewed) -> Iterator[Markup]:
    limits = {"min": "0", "max": "1", "step": "0.001", "value": repr(reviewed.threshold)}
    controls = (
        element("label", "Threshold: a probability from here on is called ", reviewed.classes[1], for_="slider"),
        element("input", type="range", id="slider", **limits),
        element("input", type="number", id="number", aria_label="Threshold", **limits),
        element("button", "As recorded", type="button", id="reset"),
    )
    # The program shows them: without it they would do nothing.
    yield element("div", *controls, class_="slider", id="controls", hidden="hidden")
    yield element("figure", _histogram(reviewed), _caption(reviewed), class_="chances")
    at = element("output", f"{reviewed.threshold:g}, as recorded", id="at", aria_live="polite")
    yield element("p", element("strong", "Figures at threshold ", at))
    yield _figures(reviewed)
    if reviewed.parent is not None:
        flips = element("output", str(int(reviewed.flips.sum())), id="flips")
        yield element("p", "Flips, that is slices on which the two decide differently: ", flips, ".")
    yield element("p", *_intervals(reviewed), class_="soft")
    if reviewed.part == "test":
        yield element("p", _CHOSEN, class_="soft")


_CHOSEN = (
    "These are the test images. A threshold that is chosen here looks better on them than it will on others: choose on "
    "the validation part (--part validation of a run), and judge here once."
)


def _figures(reviewed: Reviewed) -> Markup:
    names = ("model", "sensitivity", "specificity", "missed", "false alarms")
    models = [(reviewed.model, reviewed.logits)]
    if reviewed.parent is not None:
        models.append(("float32", reviewed.parent))
    rows = (_model_row(reviewed, *model, place) for place, model in enumerate(models))
    return _table(names, rows)


def _model_row(reviewed: Reviewed, name: str, logits: NDArray[np.float64], place: int) -> Markup:
    metrics = evaluate(reviewed.labels, logits, reviewed.threshold, reviewed.temperature)
    called = _called(reviewed, logits)
    truth = reviewed.labels == 1
    cells = (
        ("sensitivity", "sensitivity", _share(metrics.sensitivity)),
        ("specificity", "specificity", _share(metrics.specificity)),
        ("missed", "missed", str(int((truth & ~called).sum()))),
        ("false alarms", "alarms", str(int((called & ~truth).sum()))),
    )
    inside = [(label, element("span", words, data_figure=figure)) for label, figure, words in cells]
    return _row((name,), inside, data_model=str(place))


def _table(names: Sequence[str], rows: Iterable[Markup], class_: str | None = None) -> Markup:
    """A table that stays one for screen readers where narrow screens show its rows as blocks."""
    columns = (element("th", name, scope="col", role="columnheader") for name in names)
    head = element("thead", element("tr", *columns, role="row"), role="rowgroup")
    return element("table", head, element("tbody", *rows, role="rowgroup"), role="table", class_=class_)


def _row(head: Sequence[str], cells: Iterable[tuple[str, Markup]], **attributes: str) -> Markup:
    """A row: its head, and cells with the names of their columns."""
    inside = (
        element("td", words, role="cell", data_label=name, class_="nothing" if words == _EMPTY else None)
        for name, words in cells
    )
    name = element("th", *head, scope="row", role="rowheader", class_="name")
    return element("tr", name, *inside, role="row", **attributes)


def _called(reviewed: Reviewed, logits: NDArray[np.float64]) -> NDArray[np.bool_]:
    return decide(logits, reviewed.threshold, reviewed.temperature)


def _share(estimate: Estimate) -> str:
    return NOTHING if estimate.value is None else with_interval(estimate)


def _intervals(reviewed: Reviewed) -> Iterator[str]:
    """What the intervals count, and those that count groups."""
    grouped = reviewed.metrics
    yield "In brackets: Wilson's 95 % intervals, which take images as independent."
    if grouped.groups == len(reviewed.paths):
        yield " Each of these images is in a group of its own."
        return
    yield (
        f" These images are of {grouped.groups} groups, so those intervals may be too narrow. Over groups, at the "
        f"recorded threshold, {reviewed.model} has sensitivity {with_interval(grouped.sensitivity)} and specificity "
        f"{with_interval(grouped.specificity)}."
    )


def _histogram(reviewed: Reviewed) -> Markup:
    """The probabilities of images with label 1 above a line, of those with label 0 below it."""
    counts = [np.histogram(reviewed.chances[reviewed.labels == label], _BINS, (0.0, 1.0))[0] for label in (0, 1)]
    bars, width = [], _WIDE / _BINS
    for label, found in enumerate(counts):
        highest = max(int(found.max()), 1)
        for place in np.flatnonzero(found).tolist():
            height = max(_HALF * float(found[place]) / highest, 2.0)
            y, x = _HALF - height if label else _HALF, place * width + 0.5
            bars.append(element("rect", class_=f"bar s{label}", x=x, y=y, width=width - 1, height=height))
    middle = element("line", x1=0, x2=_WIDE, y1=_HALF, y2=_HALF, class_="guide")
    here = reviewed.threshold * _WIDE
    line = element("line", id="line", x1=here, x2=here, y1=0, y2=2 * _HALF, class_="threshold")
    return element(
        "svg", *bars, middle, line, viewBox=f"0 0 {_WIDE:g} {2 * _HALF:g}", role="img",
        aria_label="How many images have which probability, by label",
    )  # fmt: skip


def _caption(reviewed: Reviewed) -> Markup:
    return element(
        "figcaption",
        f"Probabilities of {reviewed.model}, 0 at the left, 1 at the right: ",
        element("span", f"▲ {reviewed.classes[1]}", class_="swatch-1"),
        " above, ",
        element("span", f"▼ {reviewed.classes[0]}", class_="swatch-0"),
        " below, each scaled to its own highest bar. Dashes: the threshold.",
    )


# --- slices


def _slices(reviewed: Reviewed, found: Sequence[Found], near: float, looks: Mapping[int, Look]) -> Iterator[Markup]:
    yield element(
        "p",
        f"At the recorded threshold {reviewed.threshold:g}: every slice that is called wrong, every one whose "
        f"probability is at most {near:g} away from it",
        *([", and every flip between float32 and ", reviewed.model] if reviewed.parent is not None else []),
        ".",
    )
    yield from (element("p", note, class_="soft") for note in reviewed.notes)
    if any(look.map is not None for look in looks.values()):
        yield element("p", f"Heat maps: red is towards {reviewed.classes[1]}, blue against it.", class_="soft")
    yield element("p", id="unlisted", class_="bad", hidden="hidden")
    if not found:
        yield element("p", "There is no such slice.")
    yield _filters(reviewed, found)
    yield element("p", f"{len(found)} of {len(found)} slices shown.", id="shown", role="status", class_="soft")
    if found:
        yield _list(reviewed, found, looks)
    yield element("p", element("button", "Save the list with your notes (CSV)", type="button", id="save"))
    yield element("p", id="saved", role="status", class_="soft")
    yield element("p", "Notes are in this page alone until you save them. The table holds paths: keep it in the house.")


def _filters(reviewed: Reviewed, found: Sequence[Found]) -> Markup:
    boxes = []
    for kind in KINDS:
        count = sum(kind in one.kinds for one in found)
        if kind != "flip" or reviewed.parent is not None:
            box = element("input", type="checkbox", checked="checked", data_kind=kind)
            boxes.append(element("label", box, f"{_WORDS[kind]}: {count}"))
    box = element("input", type="checkbox", id="wrong")
    wrong = element("label", box, "only what is wrong at the slider's threshold")
    return element("fieldset", element("legend", "Show"), *boxes, wrong)


def _list(reviewed: Reviewed, found: Sequence[Found], looks: Mapping[int, Look]) -> Markup:
    names = ["image", "why", "at this threshold", "label", reviewed.model]
    names += ["float32"] if reviewed.parent is not None else []
    names += ["group"] + (["subtype"] if reviewed.subtypes else []) + ["note"]
    rows = (_slice(reviewed, one, looks.get(one.place), names) for one in found)
    return _table(names, rows, "slices")


def _slice(reviewed: Reviewed, one: Found, look: Look | None, names: Sequence[str]) -> Markup:
    place, path = one.place, reviewed.paths[one.place]
    group = reviewed.groups[place]
    wrong = next((kind for kind in one.kinds if kind in ("missed", "false alarm")), None)
    cells: dict[str, tuple[str, ...]] = {
        "why": (", ".join(_WORDS[kind] for kind in one.kinds),),
        "at this threshold": (element("span", wrong or "right", class_="now bad" if wrong else "now"),),
        "label": (reviewed.classes[reviewed.labels[place]],),
        reviewed.model: _scores(reviewed.chances[place], reviewed.logits[place], reviewed.threshold),
        "group": (group, _more(reviewed.joined[group]) if group in reviewed.joined else ""),
        "subtype": (", ".join(reviewed.subtypes.get(path, ())),),
        "note": (element("textarea", rows=1, aria_label=f"Note on {path}"),),
    }
    if reviewed.parent is not None and reviewed.parent_chances is not None:
        cells["float32"] = _scores(reviewed.parent_chances[place], reviewed.parent[place], reviewed.threshold)
    shown = [(name, element("span", *cells[name])) for name in names[1:]]
    return _row((path, *_look(look)), shown, data_row=str(place))


def _scores(chance: float, logit: float, threshold: float) -> tuple[str, ...]:
    return told_beside(chance, threshold), _more(f"logit {logit:+.2f}")


def told_beside(chance: float, threshold: float) -> str:
    """The probability in three decimals, or in so many more that it is seen on which side of `threshold` it lies."""
    for digits in range(3, 17):
        words = f"{chance:.{digits}f}"
        if (float(words) >= threshold) == (chance >= threshold):
            return words
    return repr(chance)


def _more(words: str) -> Markup:
    return element("span", words, class_="more")


def _look(look: Look | None) -> Iterator[Markup]:
    if look is None:
        return
    pictures = [element("img", src=look.picture, alt="The slice as the network saw it", loading="lazy")]
    if look.map is not None:
        words = "Its heat map: red is towards hemorrhage, blue against"
        pictures.append(element("img", src=look.map, alt=words, loading="lazy"))
    yield element("div", *pictures, class_="looks")


def _known(reviewed: Reviewed) -> Iterator[Markup]:
    yield element("ul", *(element("li", line) for line in reviewed.known))
