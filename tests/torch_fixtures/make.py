"""Makes the files in this folder anew, by the libraries that people train with; needs an environment of its own:

    python -m venv /tmp/torchenv
    /tmp/torchenv/bin/pip install torch torchvision timm monai torchxrayvision pytorch-lightning safetensors
    /tmp/torchenv/bin/python tests/torch_fixtures/make.py

Each network is tiny and random. `expected.json` has its outputs before the last activation, in float64, for the
pictures of `pictures(size)`, and the libraries' versions. With names of files, only these are made.
"""

import argparse
import json
import re
import sys
import warnings
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision.models import resnet

HERE = Path(__file__).parent
SIZE, COUNT = 32, 6
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
LIBRARIES = ("torch", "torchvision", "timm", "monai", "torchxrayvision", "pytorch-lightning", "safetensors")
SMALL: dict[str, Any] = {"growth_rate": 4, "block_config": (2, 3), "bn_size": 2}


def pictures(size: int = SIZE) -> np.ndarray:
    """Blurred noise: uint8 [6, size, size]; the tests draw the same."""
    coarse = np.random.default_rng(17).integers(0, 256, (COUNT, 8, 8))
    side = -(-size // 8)
    return np.kron(coarse, np.ones((side, side), int)).astype(np.uint8)[:, :size, :size]


def normalized(mode: str, channels: int, size: int = SIZE) -> torch.Tensor:
    """The pictures as training had them: float64 [6, channels, size, size]."""
    pixels = torch.from_numpy(pictures(size)).double()[:, None].repeat(1, channels, 1, 1)
    if mode == "xrv":
        return (2 * pixels / 255 - 1) * 1024
    if mode == "unit":
        return pixels / 255
    if mode == "0.5/0.25":
        return (pixels / 255 - 0.5) / 0.25
    mean, std = (torch.tensor(values, dtype=torch.float64)[None, :, None, None] for values in (MEAN, STD))
    return (pixels / 255 - mean) / std


def settled(network: nn.Module, pixels: torch.Tensor, seed: int) -> nn.Module:
    """Random BatchNorms, some of negative scale, with statistics of `pixels`; the outputs spread around 0."""
    generator = torch.Generator().manual_seed(seed)
    network.double()
    for module in network.modules():
        if isinstance(module, (nn.BatchNorm2d, nn.BatchNorm1d)):
            module.momentum = None
            sign = torch.where(torch.rand(module.num_features, generator=generator) < 0.2, -1.0, 1.0)
            module.weight.data = (0.6 + 0.8 * torch.rand(module.num_features, generator=generator)).double() * sign
            module.bias.data = 0.3 * torch.randn(module.num_features, generator=generator).double()
    network.train()
    with torch.no_grad():
        for _ in range(2):
            network(pixels)
    return network.eval().float()


def outputs(network: nn.Module, pixels: torch.Tensor) -> list[list[float]]:
    """The network's outputs in float64; it stays float32."""
    with torch.no_grad():
        result = network.double()(pixels)
    network.float()
    return result.tolist()


def torchvision_net(**settings: Any) -> nn.Module:
    from torchvision.models import DenseNet

    return DenseNet(**{**SMALL, "num_init_features": 8, "num_classes": 2, **settings})


def chexnet_state(network: nn.Module) -> dict[str, torch.Tensor]:
    """Names of files from before torchvision 0.3, under DataParallel."""

    def old(name: str) -> str:
        return "module.densenet121." + re.sub(r"\.(norm|conv)([12])\.", r".\1.\2.", name)

    return {old(name): tensor for name, tensor in network.state_dict().items()}


def cases() -> Iterator[tuple[str, nn.Module, str, int, Any]]:
    """File name, network, normalization, channels, and a function that writes the file."""
    import timm
    from monai.networks.nets import DenseNet as MonaiNet
    from timm.models.densenet import DenseNet as TimmNet
    from torchxrayvision.models import DenseNet as XrvNet

    assert timm
    yield "torchvision.pt", torchvision_net(), "torch", 3, lambda net, path: torch.save(net.state_dict(), path)
    yield (
        "torchvision_k48.safetensors",
        torchvision_net(growth_rate=48, block_config=(1, 1), bn_size=1, num_classes=3),
        "unit",
        3,
        lambda net, path: save_file(net.state_dict(), path),
    )
    yield (
        "legacy_parallel.pth",
        torchvision_net(),
        "torch",
        3,
        lambda net, path: torch.save(nn.DataParallel(net).state_dict(), path, _use_new_zipfile_serialization=False),
    )
    yield (
        "legacy_module.pth",
        torchvision_net(num_classes=1),
        "torch",
        3,
        lambda net, path: torch.save(net, path, _use_new_zipfile_serialization=False),
    )
    yield (
        "half.pt",
        torchvision_net(num_classes=1),
        "unit",
        3,
        lambda net, path: torch.save({"epoch": 3, "model_state_dict": net.half().state_dict()}, path),
    )
    yield (
        "timm_gray_bfloat16.safetensors",
        TimmNet(**SMALL, in_chans=1, num_classes=1),
        "unit",
        1,
        lambda net, path: save_file(
            {
                name: tensor.bfloat16() if tensor.is_floating_point() else tensor
                for name, tensor in net.state_dict().items()
            },
            path,
        ),
    )
    yield (
        "timm.pt",
        TimmNet(**SMALL, num_classes=2),
        "torch",
        3,
        lambda net, path: torch.save({"state_dict": net.state_dict(), "optimizer": {}}, path),
    )
    yield (
        "monai.pt",
        MonaiNet(2, 1, 2, 8, 4, (2, 3), 2),
        "unit",
        1,
        lambda net, path: torch.save(net.state_dict(), path),
    )
    yield "monai_module.pt", MonaiNet(2, 3, 1, 8, 4, (2, 3), 2), "unit", 3, torch.save
    yield (
        "xrv.pt",
        XrvNet(**SMALL, num_init_features=8, num_classes=18, in_channels=1),
        "xrv",
        1,
        lambda net, path: torch.save(net.state_dict(), path),
    )
    yield "xrv_module.pt", XrvNet(**SMALL, num_init_features=8, num_classes=18, in_channels=1), "xrv", 1, torch.save
    yield (
        "chexnet.pth.tar",
        torchvision_net(num_classes=14),
        "torch",
        3,
        lambda net, path: torch.save({"state_dict": chexnet_state(net), "best_loss": 0.1}, path),
    )
    yield (
        "compiled.pt",
        torchvision_net(num_classes=1),
        "torch",
        3,
        lambda net, path: torch.save(torch.compile(net).state_dict(), path),
    )
    yield "mlp_module.pt", mlp_net(), "torch", 3, save_mlp
    yield "lightning.ckpt", torchvision_net(num_classes=1), "torch", 3, save_lightning


def save_half(network: nn.Module, path: Path) -> None:
    save_file({name: tensor.half() for name, tensor in network.state_dict().items() if tensor.ndim}, path)


class Narrow(resnet.ResNet):
    """torchvision's ResNet, put together by its own methods, of `width` instead of 64 channels."""

    def __init__(self, block: type[nn.Module], depths: tuple[int, ...], width: int) -> None:
        nn.Module.__init__(self)
        self._norm_layer, self.inplanes, self.dilation = nn.BatchNorm2d, width, 1
        self.groups, self.base_width = 1, 64
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1, self.relu, self.maxpool = nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(3, 2, 1)
        for stage, depth in enumerate(depths):
            layer = self._make_layer(block, width << stage, depth, 2 if stage else 1)
            setattr(self, f"layer{stage + 1}", layer)
        self.avgpool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear((width << 3) * block.expansion, 1)


def torchvision_v3(size: str, width: float, hidden: int) -> nn.Module:
    from torchvision.models import mobilenetv3

    settings, _ = mobilenetv3._mobilenet_v3_conf(f"mobilenet_v3_{size}", width_mult=width)
    return mobilenetv3.MobileNetV3(settings, hidden, num_classes=2)


# An odd number shows how a network pads.
SIZES = {
    "timm_mobilenetv2_half.safetensors": 96,
    "resnet18.pt": 45,
    "resnet_module.pth": 45,
    "mobilenetv2_half.safetensors": 75,
    "mobilenetv3_small_half.safetensors": 70,
}


def layered_cases() -> Iterator[tuple[str, nn.Module, str, int, Any]]:
    """As `cases`, networks that are no DenseNet."""
    import timm
    from timm.layers import BatchNormAct2d
    from timm.models import efficientnet, mobilenetv3
    from timm.models.resnet import BasicBlock, ResNet
    from torchvision.models import MobileNetV2

    assert timm

    def state(net: nn.Module, path: Path) -> None:
        torch.save(net.state_dict(), path)

    yield "resnet18.pt", Narrow(resnet.BasicBlock, (2, 2, 2, 2), 3), "torch", 3, state
    network = Narrow(resnet.Bottleneck, (2, 1, 1, 1), 2)
    network.bn1.eps = 1e-3
    yield "resnet_module.pth", network, "torch", 3, torch.save
    timm_net = ResNet(BasicBlock, (1, 1, 1, 1), in_chans=1, channels=(4, 6, 8, 10), num_classes=1)
    yield "timm_resnet_gray.pt", timm_net, "0.5/0.25", 1, state
    v2 = MobileNetV2(3, width_mult=0.05, round_nearest=2)
    width = v2.features[-1][0].in_channels
    v2.features[-1][0], v2.features[-1][1] = nn.Conv2d(width, 24, 1, bias=False), nn.BatchNorm2d(24)
    v2.classifier[1] = nn.Linear(24, 3)
    yield "mobilenetv2_half.safetensors", v2, "torch", 3, save_half
    yield "mobilenetv3_small_half.safetensors", torchvision_v3("small", 0.2, 256), "torch", 3, save_half
    yield "mobilenetv3_large_half.safetensors", torchvision_v3("large", 0.1, 128), "unit", 3, save_half
    timm_v2 = efficientnet._gen_mobilenet_v2("mobilenetv2_035", 0.1, num_classes=1)
    timm_v2.conv_head = nn.Conv2d(timm_v2.conv_head.in_channels, 24, 1, bias=False)
    timm_v2.bn2 = BatchNormAct2d(24, act_layer=nn.ReLU6)
    timm_v2.classifier = nn.Linear(24, 1)
    yield "timm_mobilenetv2_half.safetensors", timm_v2, "torch", 3, save_half
    timm_v3 = mobilenetv3._gen_mobilenet_v3("mobilenetv3_small_050", 0.2, num_classes=1)
    timm_v3.conv_head, timm_v3.classifier = nn.Conv2d(timm_v3.conv_head.in_channels, 16, 1), nn.Linear(16, 1)
    yield "timm_mobilenetv3_half.safetensors", timm_v3, "torch", 3, save_half


def mlp_net() -> nn.Module:
    """A hidden layer with a BatchNorm, and BatchNorms of three epsilons."""
    network = torchvision_net()
    features = network.classifier.in_features
    network.classifier = nn.Sequential(
        nn.Linear(features, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.2), nn.Linear(6, 1)
    )
    network.features.norm0.eps, network.features.denseblock1.denselayer1.norm2.eps = 1e-3, 1e-2
    return network


def save_mlp(network: nn.Module, path: Path) -> None:
    network.classifier.append(nn.Sigmoid())
    torch.save(network, path)


def save_lightning(network: nn.Module, path: Path) -> None:
    """A checkpoint of a real Trainer, with hyperparameters in a Namespace and the optimizer's state."""
    import pytorch_lightning

    class Classifier(pytorch_lightning.LightningModule):
        def __init__(self, args: argparse.Namespace) -> None:
            super().__init__()
            self.save_hyperparameters()
            self.model = network

        def training_step(self, batch: Any, _: int) -> torch.Tensor:
            return self.model(batch[0]).mean()

        def configure_optimizers(self) -> Any:
            return torch.optim.Adam(self.parameters(), lr=0.0)

    data = torch.utils.data.TensorDataset(normalized("torch", 3).float())
    trainer = pytorch_lightning.Trainer(
        max_steps=1, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False
    )
    lit = Classifier(argparse.Namespace(lr=0.0, arch="densenet"))
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.0
    trainer.fit(lit, torch.utils.data.DataLoader(data, batch_size=6))
    trainer.save_checkpoint(path)
    network.eval()


def main() -> None:
    """Write the files asked for, or every one, and what is expected of it."""
    warnings.simplefilter("ignore")
    asked = sys.argv[1:]
    expected: dict[str, Any] = json.loads((HERE / "expected.json").read_text()) if asked else {"networks": {}}
    versions = {name: version(name) for name in LIBRARIES}
    if not asked:
        expected["versions"] = versions
    for seed, (name, network, mode, channels, save) in enumerate([*cases(), *layered_cases()]):
        if asked and name not in asked:
            continue
        torch.manual_seed(seed)
        size = SIZES.get(name, SIZE)
        pixels = normalized(mode, channels, size)
        if hasattr(network, "op_threshs"):
            network.op_threshs, network.apply_sigmoid = None, False
        settled(network, pixels, seed)
        if "half" in name or "bfloat16" in name:  # as the file will have them
            network.to(torch.bfloat16 if "bfloat16" in name else torch.half).float()
        says = outputs(network, pixels)
        rounded = network(pixels.float()).detach().double() - torch.tensor(says, dtype=torch.float64)
        if name.startswith("xrv"):
            network.op_threshs = torch.full((18,), 0.5)
            if name == "xrv.pt":
                del network.op_threshs
                network.register_buffer("op_threshs", torch.full((18,), 0.5))
        save(network, HERE / name)
        entry = {"normalization": mode, "size": size, "outputs": says}
        expected["networks"][name] = {**entry, "versions": versions} if asked else entry
        print(
            name,
            (HERE / name).stat().st_size,
            np.std(says, axis=0).round(3)[:4],
            "float32 is off by",
            float(rounded.abs().max()),
        )
    if not asked:
        network = torchvision_net().eval()
        torch.jit.trace(network, torch.zeros(1, 3, SIZE, SIZE)).save(HERE / "torchscript.pt")
    (HERE / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
