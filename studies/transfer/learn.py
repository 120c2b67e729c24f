"""One training in PyTorch, with hemotk's own random changes of pictures."""

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch.nn import functional

from hemotk.training.augment import random_contrast, random_transforms
from hemotk.training.config import AugmentConfig
from transfer.network import DenseNet, Widths, normalized

WARM_UP = 0.05
AVERAGED = 0.05
"""Weights are averaged over about this share of a training."""


@dataclass(frozen=True)
class Recipe:
    """How a network learns. Names are those of `hemotk train`; `decay` is the weight decay of AdamW.

    `sizes` are picture sizes for equal shares of the epochs, the last of them `size`; empty where all are of `size`.
    """

    epochs: int
    batch: int = 64
    rate: float = 1e-3
    decay: float = 0.05
    appearance: bool = False
    balanced: bool = False
    smoothing: float = 0.0
    size: int = 160
    sizes: tuple[int, ...] = ()

    def size_in(self, epoch: int) -> int:
        """The size of pictures in this epoch, counted from 0."""
        return self.sizes[epoch * len(self.sizes) // self.epochs] if self.sizes else self.size


@dataclass(frozen=True)
class Material:
    """Tensors on the device: `pixels` uint8 [n, N, N], `looks` uint8 [k, n, N, N], labels float32 [n], and cells [n].

    Pictures of one cell are of one set and one class.
    """

    pixels: torch.Tensor
    looks: torch.Tensor
    labels: torch.Tensor
    cells: np.ndarray


@dataclass
class Learned:
    """The last weights, those averaged, and the losses of the epochs."""

    last: DenseNet
    averaged: DenseNet
    losses: list[float] = field(default_factory=list)
    seconds: float = 0.0


@dataclass(frozen=True)
class Lesson:
    """The places of the pictures to learn from, and how; `start` are weights, None is from scratch."""

    widths: Widths
    chosen: np.ndarray
    recipe: Recipe
    start: dict[str, torch.Tensor] | None = None
    seed: int = 0

    @property
    def batches(self) -> int:
        """Batches in an epoch."""
        return max(1, len(self.chosen) // self.recipe.batch)

    @property
    def steps(self) -> int:
        """Steps of gradient descent."""
        return self.batches * self.recipe.epochs


def train(lesson: Lesson, data: Material) -> Learned:
    """Train by AdamW, from warm-up through a cosine to a rate of 0."""
    recipe = lesson.recipe
    device = data.pixels.device
    torch.manual_seed(lesson.seed)
    rng = np.random.default_rng(lesson.seed)
    network = DenseNet(lesson.widths)
    if lesson.start is not None:
        network.load_state_dict(lesson.start)
    network = network.to(device, memory_format=torch.channels_last)
    averaged = copy.deepcopy(network)
    decayed = [value for value in network.parameters() if value.dim() > 1]
    others = [value for value in network.parameters() if value.dim() <= 1]
    groups = [{"params": decayed, "weight_decay": recipe.decay}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, fused=device.type == "cuda")
    pairs = list(zip(averaged.state_dict().values(), network.state_dict().values(), strict=True))
    floats = [pair for pair in pairs if pair[0].is_floating_point()]
    result = Learned(network, averaged)
    run = _recorded(network, recipe, device)
    begun = time.monotonic()
    step = 0
    for epoch in range(recipe.epochs):
        network.train()
        order = _drawn(lesson.chosen, data.cells, recipe, rng)
        losses = []
        for some in order[: lesson.batches * recipe.batch].reshape(lesson.batches, recipe.batch):
            for group in optimizer.param_groups:
                group["lr"] = recipe.rate * _rate(step / lesson.steps)
            pixels = normalized(changed(some, data, recipe, recipe.size_in(epoch), rng))
            pixels = pixels.contiguous(memory_format=torch.channels_last)
            labels = data.labels[torch.as_tensor(some, device=device)]
            with torch.autocast(device.type, torch.bfloat16, cache_enabled=False, enabled=device.type == "cuda"):
                logits = run(pixels).float()
            loss = functional.binary_cross_entropy_with_logits(logits, _softened(labels, recipe.smoothing))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            # Weights and BatchNorm's averages are averaged alike.
            share = min(1.0, max(1 / (AVERAGED * lesson.steps), 1 / (step + 1)))
            torch._foreach_lerp_([old for old, _ in floats], [new.detach() for _, new in floats], share)
            losses.append(loss.detach())
            step += 1
        result.losses.append(float(torch.stack(losses).mean()))
    result.seconds = time.monotonic() - begun
    return result


def _recorded(network: DenseNet, recipe: Recipe, device: torch.device) -> Callable[[torch.Tensor], torch.Tensor]:
    """The network's steps as CUDA graphs: else a DenseNet's thousands of small kernels wait for the processor."""
    network.train()
    if device.type != "cuda":
        return network
    shape = recipe.batch, 1, recipe.size, recipe.size
    sample = torch.randn(shape, device=device).contiguous(memory_format=torch.channels_last)
    before = copy.deepcopy(network.state_dict())
    with torch.autocast(device.type, torch.bfloat16, cache_enabled=False):
        recorded = torch.cuda.make_graphed_callables(network, (sample,))
    # Recording runs the network on noise, which moves BatchNorm's averages.
    network.load_state_dict(before)
    return recorded


def _rate(at: float) -> float:
    """Warm-up, then a cosine to 0."""
    if at < WARM_UP:
        return at / WARM_UP
    return 0.5 * (1 + np.cos(np.pi * (at - WARM_UP) / (1 - WARM_UP)))


def _drawn(chosen: np.ndarray, cells: np.ndarray, recipe: Recipe, rng: np.random.Generator) -> np.ndarray:
    if not recipe.balanced:
        order = rng.permutation(chosen)
        return np.concatenate([order, order])[: max(len(order), recipe.batch)]
    names = np.unique(cells[chosen])
    each = -(-max(len(chosen), recipe.batch) // len(names))
    return rng.permutation(np.concatenate([rng.choice(chosen[cells[chosen] == name], each) for name in names]))


def changed(some: np.ndarray, data: Material, recipe: Recipe, shown: int, rng: np.random.Generator) -> torch.Tensor:
    """These pictures changed as training does, float32 [n, 1, shown, shown] of 0 to 255."""
    device, size = data.pixels.device, data.pixels.shape[-1]
    places = torch.as_tensor(some, device=device)
    if recipe.appearance:
        look = torch.as_tensor(rng.integers(len(data.looks), size=len(some)), device=device)
        pixels = data.looks[look, places]
    else:
        pixels = data.pixels[places]
    config = AugmentConfig()
    told = torch.as_tensor(random_transforms(config, rng, len(some), size), device=device)
    gain, offset = torch.as_tensor(random_contrast(config, rng, len(some)), device=device)[
        :, :, None, None, None
    ].unbind(1)
    # From pixels 0 to size - 1 to -1 to 1, corners at corners.
    at = torch.linspace(0, size - 1, shown, device=device)
    y, x = torch.meshgrid(at, at, indexing="ij")
    a0, a1, a2, b0, b1, b2 = told[:, :6, None, None].unbind(1)
    grid = torch.stack([a0 * x + a1 * y + a2, b0 * x + b1 * y + b2], -1) * (2 / (size - 1)) - 1
    moved = functional.grid_sample(pixels[:, None].float(), grid, "bilinear", "zeros", align_corners=True)
    return torch.where(moved > 0, (moved * gain + offset).clamp(0, 255), moved)


def _softened(labels: torch.Tensor, smoothing: float) -> torch.Tensor:
    return labels * (1 - smoothing) + smoothing / 2


@torch.no_grad()
def scores(network: DenseNet, chosen: np.ndarray, data: Material, size: int) -> np.ndarray:
    """Logits float32 [n] in full float32."""
    network.eval()
    found = []
    for some in np.array_split(chosen, -(-len(chosen) // 256)):
        pixels = data.pixels[torch.as_tensor(some, device=data.pixels.device)][:, None].float()
        if size != pixels.shape[-1]:
            pixels = functional.interpolate(pixels, size=(size, size), mode="bilinear", align_corners=True)
        found.append(network(normalized(pixels).contiguous(memory_format=torch.channels_last)))
    return torch.cat(found).cpu().numpy()
