"""The whole road from PyTorch: trains torchvision's DenseNet121 on a split, and converts it by litert-torch too.

It runs in an environment of its own (pip install torch torchvision litert-torch), and needs nothing of hemotk:

    python studies/pytorch_peer.py split.json OUT

`split.json` is what `hemotk data split` wrote. Writes into OUT, what is there is kept: model.pt (state dict),
scores.csv (path and logit of each picture, by torchvision's own transforms), a .tflite of each of `KINDS`, all with
channels last, and peers.json with the versions and each one's fidelity on the test part. They are calibrated on
pictures from all over the training part, which begins with those of one class. Time
them beside a bundle by `hemotk bench BUNDLE OUT/*.tflite --images split.json --normalization torch`.
"""

import argparse
import json
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torchvision import models, transforms

SIZE, BATCH, EPOCHS, CALIBRATION = 96, 20, 6, 64
LIBRARIES = ("torch", "torchvision", "litert-torch", "ai-edge-quantizer", "ai-edge-litert")


def square(picture: Image.Image) -> Image.Image:
    """With black on both sides, as hemotk has it: both then see the same pixels."""
    side = max(picture.size)
    whole = Image.new("L", (side, side))
    whole.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    return whole.convert("RGB")


LOOK = transforms.Compose(
    [
        transforms.Lambda(square),
        transforms.Resize((SIZE, SIZE)),
        transforms.ToTensor(),
        transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ]
)


def pictures(root: Path, items: Sequence[dict[str, Any]]) -> torch.Tensor:
    """As training sees them: float32 [n, 3, 96, 96]."""
    return torch.stack([LOOK(Image.open(root / item["path"]).convert("L")) for item in items])


def train(network: torch.nn.Module, pixels: torch.Tensor, labels: torch.Tensor) -> None:
    """Binary cross-entropy by Adam, pictures mirrored at random."""
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=EPOCHS * (len(pixels) // BATCH))
    network.train()
    for epoch in range(EPOCHS):
        losses = []
        for some in torch.randperm(len(pixels))[: len(pixels) // BATCH * BATCH].split(BATCH):
            batch = pixels[some]
            batch = torch.where(torch.rand(BATCH, 1, 1, 1) < 0.5, batch.flip(-1), batch)
            loss = torch.nn.functional.binary_cross_entropy_with_logits(network(batch)[:, 0], labels[some])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.3f}", flush=True)
    network.eval()


def logits(network: Any, pixels: torch.Tensor) -> np.ndarray:
    """float64 [n]."""
    with torch.no_grad():
        return torch.cat([network(batch)[:, 0] for batch in pixels.split(BATCH)]).double().numpy()


def last(network: torch.nn.Module) -> torch.nn.Module:
    """The network with pictures [n, height, width, 3] in, as a .tflite has them."""
    import litert_torch

    return litert_torch.to_channel_last_io(network, args=[0]).eval()


def convert(network: torch.nn.Module, _: torch.Tensor, out: Path) -> None:
    """Float32 by litert-torch."""
    import litert_torch

    litert_torch.convert(last(network), (torch.zeros(1, SIZE, SIZE, 3),)).export(str(out))


def recipe(name: str, *, whole: bool = False) -> Callable[[torch.nn.Module, torch.Tensor, Path], None]:
    """The float32 file quantized by ai-edge-quantizer, of the makers of litert-torch, with its recipe `name`.

    Its `calibrate` takes moving averages of each picture's least and greatest value, so a logit's range is hardly
    more than its mean. With `whole` the range is that over all pictures, by its own other function.
    """

    def quantize(_: torch.nn.Module, calibration: torch.Tensor, out: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter
        from ai_edge_quantizer import quantizer
        from ai_edge_quantizer import recipe as recipes
        from ai_edge_quantizer.calibrator import Calibrator
        from ai_edge_quantizer.recipe_manager import RecipeManager
        from ai_edge_quantizer.utils import qsv_utils

        parent, rules = str(out.with_name("peer_float32.tflite")), getattr(recipes, name)()
        made = quantizer.Quantizer(parent, rules)
        ranges = None
        if made.need_calibration:
            signature, tensors = next(iter(Interpreter(parent).get_signature_list().items()))
            data = {signature: [{tensors["inputs"][0]: picture[None].numpy()} for picture in calibration]}
            if whole:
                listener, manager = Calibrator(parent, qsv_update_func=qsv_utils.min_max_update), RecipeManager()
                manager.load_quantization_recipe(rules)
                listener.calibrate(data, manager)
                ranges = listener.get_model_qsvs()
            else:
                ranges = made.calibrate(data)
        made.quantize(ranges).export_model(str(out), overwrite=True)

    return quantize


def pt2e(network: torch.nn.Module, calibration: torch.Tensor, out: Path) -> None:
    """Static int8 by litert-torch's PT2E quantizer, per channel, as its guide does it."""
    import litert_torch
    from litert_torch.quantize.pt2e_quantizer import PT2EQuantizer, get_symmetric_quantization_config
    from litert_torch.quantize.quant_config import QuantConfig
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    sample = (torch.zeros(1, SIZE, SIZE, 3),)
    quantizer = PT2EQuantizer().set_global(get_symmetric_quantization_config(is_per_channel=True))
    prepared = prepare_pt2e(torch.export.export(last(network), sample).module(), quantizer)
    with torch.no_grad():
        for picture in calibration:
            prepared(picture[None])
    quantized = convert_pt2e(prepared, fold_quantize=False)
    config = QuantConfig(pt2e_quantizer=quantizer)
    litert_torch.convert(quantized, sample, quant_config=config).export(str(out))


KINDS: Mapping[str, Callable[[torch.nn.Module, torch.Tensor, Path], None]] = {
    "float32": convert,
    "static": recipe("static_wi8_ai8"),
    "static_whole": recipe("static_wi8_ai8", whole=True),
    "dynamic": recipe("dynamic_wi8_afp32"),
    "pt2e": pt2e,
}


def run_tflite(model: Path, pixels: torch.Tensor) -> np.ndarray:
    """Logits float64 [n], on one thread."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(model), num_threads=1)
    interpreter.allocate_tensors()
    entry, end = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    result = []
    for picture in pixels.numpy():
        interpreter.set_tensor(entry["index"], _stored(picture[None], entry))
        interpreter.invoke()
        scale, zero = end["quantization"]
        value = float(interpreter.get_tensor(end["index"])[0, 0])
        result.append((value - zero) * scale if scale else value)
    return np.array(result)


def _stored(values: np.ndarray, detail: dict[str, Any]) -> np.ndarray:
    """Float32 in the type of a tensor."""
    scale, zero = detail["quantization"]
    if not scale:
        return values
    return np.clip(np.round(values / scale + zero), -128, 127).astype(detail["dtype"])


def main() -> None:
    """Train, then convert; what is there is kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("split", type=Path)
    parser.add_argument("out", type=Path)
    said = parser.parse_args()
    said.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    split = json.loads(said.split.read_text())
    root, items = Path(split["folder"]), split["items"]
    pixels = pictures(root, items)
    part = np.array([item["part"] for item in items])
    labels = torch.tensor([float(item["label"]) for item in items])
    network = models.densenet121(num_classes=1)
    model = said.out / "model.pt"
    if model.exists():
        network.load_state_dict(torch.load(model))
        network.eval()
    else:
        train(network, pixels[part == "train"], labels[part == "train"])
        torch.save(network.state_dict(), model)
    truth = logits(network, pixels)
    lines = [f"{item['path']},{logit!r}" for item, logit in zip(items, truth.tolist(), strict=True)]
    (said.out / "scores.csv").write_text("\n".join(["path,logit", *lines, ""]))
    print("accuracy on test", np.mean((truth > 0)[part == "test"] == labels.numpy()[part == "test"]), flush=True)
    rows: dict[str, Any] = {"versions": {name: version(name) for name in LIBRARIES}}
    training, test = (pixels[part == name].permute(0, 2, 3, 1).contiguous() for name in ("train", "test"))
    calibration = training[np.linspace(0, len(training) - 1, CALIBRATION).astype(int)]
    wanted = truth[part == "test"]
    for kind, make in KINDS.items():
        path = said.out / f"peer_{kind}.tflite"
        begun = time.monotonic()
        if not path.exists():
            make(network, calibration, path)
        seconds = time.monotonic() - begun
        scores = run_tflite(path, test)
        rows[kind] = {
            "seconds_to_convert": round(seconds, 1),
            "bytes": path.stat().st_size,
            "sqnr_db": float(10 * np.log10(np.var(wanted) / np.mean((scores - wanted) ** 2))),
            "greatest_logit_error": float(np.abs(scores - wanted).max()),
            "flips": int(((scores > 0) != (wanted > 0)).sum()),
        }
        print(kind, rows[kind], flush=True)
        (said.out / "peers.json").write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
