"""The logits of whole ResNets and MobileNets, imported, against PyTorch's in float64; in two environments:

    python studies/pytorch_logits.py make OUT      (pip install torch torchvision timm)
    python studies/pytorch_logits.py compare OUT   (hemotk)

Each network has random weights and settled BatchNorms, some of negative scale, as tests/torch_fixtures/make.py has
them, and scores four random pictures of 65×65. Prints Markdown: the greatest difference as a share of the logits'
standard deviation, of the import and of PyTorch itself in float32.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

SIZE, COUNT = 65, 4
TORCHVISION = ("resnet18", "resnet34", "resnet50", "mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large")
TIMM = (
    *("resnet18", "resnet50", "mobilenetv2_100", "mobilenetv2_110d"),
    *("mobilenetv3_large_100", "mobilenetv3_small_100", "mobilenetv3_small_050"),
)
EXPECTED = "expected.json"


def pictures() -> np.ndarray:
    """Noise, uint8 [4, 65, 65]."""
    return np.random.default_rng(3).integers(0, 256, (COUNT, SIZE, SIZE)).astype(np.uint8)


def make(out: Path) -> None:
    """Write every state dict, and its logits."""
    import timm
    import torch
    from torchvision import models

    sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "torch_fixtures"))
    from make import MEAN, STD, outputs, settled

    mean, std = (torch.tensor(values, dtype=torch.float64)[None, :, None, None] for values in (MEAN, STD))
    pixels = (torch.from_numpy(pictures()).double()[:, None].repeat(1, 3, 1, 1) / 255 - mean) / std
    found: dict[str, Any] = {}
    networks = [("torchvision", name, getattr(models, name)(num_classes=1)) for name in TORCHVISION]
    networks += [("timm", name, timm.create_model(name, num_classes=1)) for name in TIMM]
    for seed, (library, name, network) in enumerate(networks):
        torch.manual_seed(seed)
        settled(network, pixels, seed)
        exact = np.array(outputs(network, pixels))[:, 0]
        with torch.no_grad():
            rounded = network(pixels.float())[:, 0].double().numpy()
        file = f"{library}_{name}.pt"
        torch.save(network.state_dict(), out / file)
        found[file] = {"logits": exact.tolist(), "float32": float(np.abs(rounded - exact).max())}
        print(file, flush=True)
    (out / EXPECTED).write_text(json.dumps(found))


def compare(out: Path) -> None:
    """Import every file, and print how far its logits are."""
    from hemotk.importing.config import ImportConfig
    from hemotk.importing.network import read_network
    from hemotk.importing.run import score

    print("| file | layers | parameters | import | PyTorch in float32 |\n|---|---|---|---|---|")
    for file, entry in json.loads((out / EXPECTED).read_text()).items():
        exact = np.array(entry["logits"])
        network = read_network(out / file, ImportConfig(SIZE, "torch"))
        layers = len(getattr(network.shape, "layers", ()))
        apart, own = np.abs(score(network, pictures()) - exact).max(), entry["float32"]
        shares = " | ".join(f"{value / exact.std():.0e}" for value in (apart, own))
        print(f"| {Path(file).stem} | {layers} | {network.shape.parameters():,} | {shares} |", flush=True)


def main() -> None:
    """One of the two."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["make", "compare"])
    parser.add_argument("out", type=Path)
    said = parser.parse_args()
    said.out.mkdir(parents=True, exist_ok=True)
    (make if said.what == "make" else compare)(said.out)


if __name__ == "__main__":
    main()
