"""The README of a bundle: how to feed it."""

from hemotk.artifacts.bundle import PREFERRED
from hemotk.artifacts.golden import GOLDEN_JSON
from hemotk.embedding.feeding import LUMA, Feeding, about, how_read, how_stored

README = "README.md"


def readme(feeding: Feeding) -> str:
    """The page in Markdown; it names no file, no path and no person of the house."""
    return "\n".join((*_top(feeding), *_picture(feeding), *_tensors(feeding), *_answer(feeding), *_check()))


def _top(feeding: Feeding) -> tuple[str, ...]:
    size, first = feeding.preprocess.size, _first(feeding)
    return (
        f"# How to feed {feeding.name}",
        "",
        "*Research, not for diagnosis.*",
        "",
        f"These models look at one gray head CT slice of {size}×{size} pixels and say '{feeding.labels[0]}' or",
        f"'{feeding.labels[1]}'. Most apps need one file: `{first}`. `MODEL_CARD.md` says what it was trained on and",
        "what it is not for. `bundle.json` has every number of this page for programs.",
        "",
        "| file | MB | what for |",
        "|---|---|---|",
        *(f"| `{each.file}` | {each.bytes / 1e6:.2f} | {about(each.kind)} |" for each in feeding.variants),
        "",
    )


def _first(feeding: Feeding) -> str:
    return min(feeding.variants, key=lambda each: PREFERRED.index(each.kind)).file


def _picture(feeding: Feeding) -> tuple[str, ...]:
    spec = feeding.preprocess
    red, green, blue = LUMA
    deep = (
        "   16-bit gray keeps its upper byte."
        if spec.hu_offset is None
        else f"   16-bit gray holds Hounsfield units + {spec.hu_offset}, and goes through the window of step 5."
    )
    return (
        "## From a picture to bytes",
        "",
        "1. **Decode** without gamma and without a colour profile. Apply the EXIF orientation.",
        deep,
        "   Lay a transparent picture over black: each colour c with opacity a becomes `(c·a + 127) // 255`.",
        f"2. **Gray**, in integers: `({red} R + {green} G + {blue} B + 32768) >> 16`. Red comes first.",
        "3. **Pad** with black (0) to a square, the picture in the middle. An odd pixel goes to the right or below.",
        f"4. **Resize** the square to {spec.size}×{spec.size} with Pillow's bilinear filter. It is antialiased: it",
        "   averages all pixels that it makes smaller. The resize functions of Android, iOS, canvas and OpenCV give",
        "   other bytes, and so other scores. `hemotk snippet` prints the exact filter in your language.",
        f"5. Before step 3, a DICOM slice becomes gray through the window {spec.window} (level/width in HU).",
        "",
        "The result is one byte p for each pixel, row by row, 0 black to 255 white.",
        "",
    )


def _tensors(feeding: Feeding) -> tuple[str, ...]:
    spec = feeding.preprocess
    return (
        "## The input tensor",
        "",
        f"Its shape is [1, {spec.size}, {spec.size}, 1]: one picture, rows first, one gray channel (so there is no",
        "order of channels). Do not divide by 255.",
        "",
        "| file | tensor | type | value for the byte p | logit from the output value |",
        "|---|---|---|---|---|",
        *(
            f"| `{each.file}` | `{each.input.name}` | {each.input.dtype} "
            f"| {how_stored(each, spec)} | {how_read(each)} |"
            for each in feeding.variants
        ),
        "",
    )


def _answer(feeding: Feeding) -> tuple[str, ...]:
    normal, positive = feeding.labels
    return (
        "## From the logit to a verdict",
        "",
        "Read the output `logit`, one number. (The output `probability` is sigmoid(logit) without the temperature: do",
        f"not compare it with the threshold.{' The output `cam` is the heat map.' if _has_cam(feeding) else ''})",
        "",
        f"- probability of '{positive}' = 1 / (1 + exp(−logit / {feeding.temperature!r}))",
        f"- '{positive}' if the probability is {feeding.threshold!r} or more, else '{normal}'. That is a logit of",
        f"  {feeding.logit_at_threshold:.6g} or more.",
        "",
    )


def _has_cam(feeding: Feeding) -> bool:
    return any(output.name == "cam" for each in feeding.variants for output in each.outputs)


def _check() -> tuple[str, ...]:
    return (
        "## Check your app",
        "",
        f"`{GOLDEN_JSON}` names drawn pictures. They show nobody. For each it has",
        "",
        "- `file`, a PNG before step 1, and `input`, a PNG of the bytes after step 4: yours must be the same bytes",
        "- `gray_sha256`, `input_sha256` and, for each model, `tensor_sha256`: the checksums after steps 2 and 4, and",
        "  of the tensor's bytes",
        "- `logit`, `probability` (with the temperature), `label` and `verdict` of each model. A logit may differ by",
        "  the model's `tolerance`, as runtimes round differently. Where `near` is true, the verdict may differ too.",
        "",
        "`golden.npz` holds the gray ones of these pictures for NumPy.",
        "",
        "With hemotk installed, `hemotk snippet` prints code and a unit test in Kotlin, Swift, Dart, JavaScript,",
        "Python and C++. If your scores differ, `hemotk verify` says which step is to blame.",
        "",
    )
