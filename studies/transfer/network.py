"""A DenseNet of any widths, under the names of torchvision, which `hemotk import` reads."""

from collections import OrderedDict

import torch
from torch import nn
from torch.nn import functional

GROWTH = 32
STANDARD = {"densenet121": (6, 12, 24, 16), "densenet201": (6, 12, 48, 32)}
# What `hemotk import --normalization` is told.
MEAN, DEVIATION = 0.2, 0.25

Widths = tuple[int, tuple[tuple[tuple[int, int], ...], ...], tuple[int, ...]]
"""Stem, the (bottleneck, growth) of each layer in each block, and the transitions."""


class Layer(nn.Module):
    """A dense layer; gives its input with its own channels behind."""

    def __init__(self, entering: int, bottleneck: int, growth: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(entering)
        self.conv1 = nn.Conv2d(entering, bottleneck, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(bottleneck)
        self.conv2 = nn.Conv2d(bottleneck, growth, 3, padding=1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[n, entering, height, width] → [n, entering + growth, height, width]."""
        y = self.conv1(functional.relu(self.norm1(x)))
        return torch.cat([x, self.conv2(functional.relu(self.norm2(y)))], 1)


class DenseNet(nn.Module):
    """Pictures as `normalized` gives them, [n, 1, size, size], to logits [n]."""

    def __init__(self, widths: Widths) -> None:
        super().__init__()
        stem, blocks, transitions = widths
        parts: OrderedDict[str, nn.Module] = OrderedDict()
        parts["conv0"] = nn.Conv2d(1, stem, 7, 2, 3, bias=False)
        parts["norm0"] = nn.BatchNorm2d(stem)
        parts["relu0"] = nn.ReLU()
        parts["pool0"] = nn.MaxPool2d(3, 2, 1)
        channels = stem
        for index, block in enumerate(blocks):
            layers: OrderedDict[str, nn.Module] = OrderedDict()
            for number, (bottleneck, growth) in enumerate(block):
                layers[f"denselayer{number + 1}"] = Layer(channels, bottleneck, growth)
                channels += growth
            parts[f"denseblock{index + 1}"] = nn.Sequential(layers)
            if index < len(transitions):
                parts[f"transition{index + 1}"] = _transition(channels, transitions[index])
                channels = transitions[index]
        parts["norm5"] = nn.BatchNorm2d(channels)
        self.features = nn.Sequential(parts)
        self.classifier = nn.Linear(channels, 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
        nn.init.zeros_(self.classifier.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits [n]."""
        features = functional.relu(self.features(x))
        return self.classifier(features.mean((2, 3)))[:, 0]


def _transition(entering: int, leaving: int) -> nn.Module:
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    parts["norm"] = nn.BatchNorm2d(entering)
    parts["relu"] = nn.ReLU()
    parts["conv"] = nn.Conv2d(entering, leaving, 1, bias=False)
    parts["pool"] = nn.AvgPool2d(2, 2)
    return nn.Sequential(parts)


def standard(arch: str) -> Widths:
    """The widths of a DenseNet by its name."""
    channels, transitions = 64, []
    for layers in STANDARD[arch]:
        channels = (channels + layers * GROWTH) // 2
        transitions.append(channels)
    blocks = tuple(((4 * GROWTH, GROWTH),) * layers for layers in STANDARD[arch])
    return 64, blocks, tuple(transitions[:-1])


def normalized(pixels: torch.Tensor) -> torch.Tensor:
    """Pictures of 0 to 255 as the network takes them."""
    return (pixels / 255 - MEAN) / DEVIATION


def round_to_half(network: nn.Module) -> None:
    """Round convolutions and classifier to float16, so that files of half the size hold them exactly."""
    with torch.no_grad():
        for value in network.parameters():
            if value.dim() > 1:
                value.copy_(value.half().float())
