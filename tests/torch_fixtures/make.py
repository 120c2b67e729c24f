"""Makes the files in this folder anew, by the libraries that people train with; needs an environment of its own:

    python -m venv /tmp/torchenv
    /tmp/torchenv/bin/pip install torch torchvision timm monai torchxrayvision pytorch-lightning safetensors
    /tmp/torchenv/bin/python tests/torch_fixtures/make.py

Each network is tiny and random. `expected.json` has its outputs before the last activation, in float64, for the
pictures of `pictures()`, and the libraries' versions.
"""

import argparse
import json
import re
import warnings
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

HERE = Path(__file__).parent
SIZE, COUNT = 32, 6
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
LIBRARIES = ("torch", "torchvision", "timm", "monai", "torchxrayvision", "pytorch-lightning", "safetensors")
SMALL: dict[str, Any] = {"growth_rate": 4, "block_config": (2, 3), "bn_size": 2}


def pictures() -> np.ndarray:
    """Blurred noise: uint8 [6, 32, 32]; the tests draw the same."""
    coarse = np.random.default_rng(17).integers(0, 256, (COUNT, 8, 8))
    return np.kron(coarse, np.ones((4, 4), int)).astype(np.uint8)


def normalized(mode: str, channels: int) -> torch.Tensor:
    """The pictures as training had them: float64 [6, channels, 32, 32]."""
    pixels = torch.from_numpy(pictures()).double()[:, None].repeat(1, channels, 1, 1)
    if mode == "xrv":
        return (2 * pixels / 255 - 1) * 1024
    if mode == "unit":
        return pixels / 255
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
    """Write every file, and what is expected of it."""
    warnings.simplefilter("ignore")
    expected: dict[str, Any] = {"versions": {name: version(name) for name in LIBRARIES}, "networks": {}}
    for seed, (name, network, mode, channels, save) in enumerate(cases()):
        torch.manual_seed(seed)
        pixels = normalized(mode, channels)
        if hasattr(network, "op_threshs"):
            network.op_threshs, network.apply_sigmoid = None, False
        settled(network, pixels, seed)
        if "half" in name or "bfloat16" in name:  # as the file will have them
            network.to(torch.half if name == "half.pt" else torch.bfloat16).float()
        says = outputs(network, pixels)
        if name.startswith("xrv"):
            network.op_threshs = torch.full((18,), 0.5)
            if name == "xrv.pt":
                del network.op_threshs
                network.register_buffer("op_threshs", torch.full((18,), 0.5))
        save(network, HERE / name)
        expected["networks"][name] = {"normalization": mode, "outputs": says}
        print(name, (HERE / name).stat().st_size, np.std(says, axis=0).round(3)[:4])
    network = torchvision_net().eval()
    torch.jit.trace(network, torch.zeros(1, 3, SIZE, SIZE)).save(HERE / "torchscript.pt")
    (HERE / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
