"""MobileNetV3-Small and small DenseNets from scratch: the same pictures, and the same teacher.

    PYTHONPATH=studies python -m transfer.beside PACKED TEACHER.tflite OUT NETWORK… [--views 6] [--epochs 30]

NETWORK is mobilenet, or the layers, growth, bottleneck and stem of a DenseNet, such as 17,16,32,16. TEACHER.tflite is a
float32 export of a run that learned from these pictures. Writes OUT/NETWORK.pt, a state dict with torchvision's names
and a stem of one channel, for `hemotk import --normalization 0.2/0.25`. Each picture is changed at random VIEWS times,
and scored by the teacher once in each view. The loss is that of `hemotk prune`; --share 0 trains from labels alone.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torchvision.models import mobilenet_v3_small

from hemotk.artifacts import PreprocessSpec
from hemotk.stats.metrics import auc
from hemotk.tflite.scorer import Scorer
from transfer.jobs import PLAIN
from transfer.learn import WARM_UP, Material, changed
from transfer.network import DenseNet, Widths, normalized
from transfer.pictures import Pictures, read

SHARE, SOFTENED = 0.8, 3.0
BATCH, RATE, DECAY = 64, 2e-3, 0.05


@dataclass(frozen=True)
class Lessons:
    """Changed pictures uint8 [views, n, size, size], the teacher's logits float32 [views, n], and labels [n]."""

    views: torch.Tensor
    taught: torch.Tensor
    labels: torch.Tensor


def main() -> None:
    """Train each network, write it, and print losses and AUCs of the validation part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packed", type=Path)
    parser.add_argument("teacher", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("networks", nargs="+")
    parser.add_argument("--views", type=int, default=6)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--share", type=float, default=SHARE)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    pictures = read(given.packed)
    lessons = _lessons(pictures, given.views, given.teacher)
    for name in given.networks:
        torch.manual_seed(0)
        network = _network(name)
        begun = time.monotonic()
        for epoch, loss in enumerate(_train(network, lessons, given.epochs, given.share), 1):
            print(
                f"{name} {epoch}: {loss:.4f}, {time.monotonic() - begun:.0f} s; {_judged(network, pictures)}",
                flush=True,
            )
            torch.save(network.state_dict(), given.out / f"{name}.pt")


def _train(network: nn.Module, lessons: Lessons, epochs: int, share: float) -> Iterator[float]:
    """The mean loss of each epoch."""
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=DECAY)
    count = len(lessons.labels)
    batches = count // BATCH
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, batches * epochs, pct_start=WARM_UP)
    rng = np.random.default_rng(0)
    for _ in range(epochs):
        network.train()
        losses = []
        for some in rng.permutation(count)[: batches * BATCH].reshape(-1, BATCH):
            look = rng.integers(len(lessons.views), size=len(some))
            logits = _logits(network, lessons.views[look, some])
            loss = _loss(logits, lessons.labels[some], lessons.taught[look, some], share)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            rates.step()
            losses.append(float(loss.detach()))
        yield float(np.mean(losses))


def _both(pictures: Pictures, part: str) -> np.ndarray:
    return np.concatenate([pictures.where(name, part) for name in ("rsna", "phe")])


def _network(name: str) -> nn.Module:
    network: nn.Module
    if name == "mobilenet":
        network = mobilenet_v3_small(num_classes=1)
        network.features[0][0] = nn.Conv2d(1, 16, 3, 2, 1, bias=False)
    else:
        network = DenseNet(_widths(*map(int, name.split(","))))
    return network.to(memory_format=torch.channels_last)


def _widths(layers: int, growth: int, bottleneck: int, stem: int) -> Widths:
    """Layers shared out to four blocks as in DenseNet121; a transition halves, to a multiple of 8."""
    shares = np.diff(np.round(np.cumsum([0, 6, 12, 24, 16]) * layers / 58)).astype(int)
    channels, transitions = stem, []
    for count in shares[:-1]:
        channels = 8 * round((channels + count * growth) / 16)
        transitions.append(channels)
    return stem, tuple(((bottleneck, growth),) * count for count in shares), tuple(transitions)


def _lessons(pictures: Pictures, count: int, teacher: Path) -> Lessons:
    """Pictures of the training parts changed at random."""
    learned = _both(pictures, "train")
    pixels = torch.from_numpy(pictures.pixels[learned])
    data = Material(pixels, pixels[None], torch.zeros(len(learned)), np.zeros(len(learned), int))
    rng = np.random.default_rng(0)
    size = pixels.shape[-1]
    views = torch.empty((count, *pixels.shape), dtype=torch.uint8)
    taught = torch.empty((count, len(learned)))
    scorer = Scorer(teacher, PreprocessSpec(size))
    for look in range(count):
        for some in np.array_split(np.arange(len(learned)), -(-len(learned) // 256)):
            views[look, some] = changed(some, data, PLAIN, size, rng)[:, 0].round().to(torch.uint8)
        taught[look] = torch.tensor([scorer.score(picture).logit for picture in views[look].numpy()])
    return Lessons(views, taught, torch.from_numpy(pictures.labels[learned].astype(np.float32)))


def _logits(network: nn.Module, pixels: torch.Tensor) -> torch.Tensor:
    """Logits [n] of bytes [n, size, size]."""
    shown = normalized(pixels[:, None].float()).contiguous(memory_format=torch.channels_last)
    return network(shown).reshape(-1)


def _loss(logits: torch.Tensor, labels: torch.Tensor, taught: torch.Tensor, share: float) -> torch.Tensor:
    entropy = functional.binary_cross_entropy_with_logits
    soft = entropy(logits / SOFTENED, torch.sigmoid(taught / SOFTENED)) * SOFTENED**2
    return share * soft + (1 - share) * entropy(logits, labels)


@torch.no_grad()
def _judged(network: nn.Module, pictures: Pictures) -> str:
    network.eval()
    places = _both(pictures, "validation")
    pixels = torch.from_numpy(pictures.pixels[places])
    logits = torch.cat([_logits(network, some) for some in pixels.split(256)])
    labels = pictures.labels[places]
    loss = functional.binary_cross_entropy_with_logits(logits, torch.from_numpy(labels.astype(np.float32)))
    return f"validation log-loss {float(loss):.4f}, AUC {auc(labels, logits.numpy()):.4f}"


if __name__ == "__main__":
    main()
