"""Pictures that do not fit into memory: decoded when they are asked for, and ahead of their use."""

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np

from hemotk.artifacts import PreprocessSpec, SplitItem
from hemotk.data.read.preprocess import load_pixels
from hemotk.errors import HemotkError
from hemotk.files import check_sha256, file_of

T = TypeVar("T")
_THREADS = 4


class LazyPixels:
    """The pictures of `items`, whose paths are relative to `root`, in place of an array uint8 [n, size, size].

    It takes a slice or an array of integers, as that array would, and gives the pictures meant as an array uint8,
    decoded then and there.
    """

    def __init__(self, items: Sequence[SplitItem], root: Path, spec: PreprocessSpec) -> None:
        self._items = items
        self._root = root
        self._spec = spec

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape of the array that it stands for."""
        return len(self._items), self._spec.size, self._spec.size

    def __len__(self) -> int:
        """The number of pictures."""
        return len(self._items)

    def __getitem__(self, chunk: slice | np.ndarray) -> np.ndarray:
        """The pictures of `chunk`: uint8 [n, size, size].

        Raises:
            HemotkError: a file is missing, changed since the split, or unreadable.
            IndexError: there is no such picture.
            TypeError: `chunk` is neither a slice nor an array of integers.
        """
        if isinstance(chunk, slice):
            chosen = self._items[chunk]
        elif isinstance(chunk, np.ndarray) and chunk.ndim == 1 and np.issubdtype(chunk.dtype, np.integer):
            chosen = [self._items[index] for index in chunk.tolist()]
        else:
            raise TypeError("pictures that are read when needed take a slice or integers [n]")
        pixels = np.empty((len(chosen), *self.shape[1:]), np.uint8)
        for place, image in enumerate(decoded(chosen, self._root, self._spec)):
            pixels[place] = image
        return pixels


Pixels = np.ndarray | LazyPixels


def prefetch(source: Iterable[T], ahead: int = 1) -> Iterator[T]:
    """Yield the items of `source` in order, made by another thread up to `ahead` items before they are asked for.

    An error of the source is raised where its item would have come.
    """
    end = object()
    iterator = iter(source)
    with ThreadPoolExecutor(1) as pool:
        waiting: deque[Future[T | object]] = deque(pool.submit(next, iterator, end) for _ in range(ahead))
        try:
            while (item := waiting.popleft().result()) is not end:
                waiting.append(pool.submit(next, iterator, end))
                yield item  # type: ignore[misc]
        finally:
            pool.shutdown(cancel_futures=True)


def decoded(items: Sequence[SplitItem], root: Path, spec: PreprocessSpec) -> Iterator[np.ndarray]:
    """Each picture in order, uint8 [size, size], by several threads; checked where the split has checksums.

    Raises:
        HemotkError: a file is missing, changed since the split, or unreadable.
    """

    def load(item: SplitItem) -> np.ndarray:
        path = root / item.path
        if item.sha256 is not None:
            check_sha256(path, item.sha256)
        return load_pixels(path, spec)

    with ThreadPoolExecutor(_THREADS) as pool:
        yield from pool.map(load, items)


def check_there(items: Iterable[SplitItem], root: Path) -> None:
    """Refuse items whose files are missing, before hours of work; folders are listed, no file is opened.

    Raises:
        HemotkError: a file is missing, or a folder cannot be listed.
    """
    names: dict[str, set[str]] = {}
    for item in items:
        folder, _, name = item.path.rpartition("/")
        if folder not in names:
            names[folder] = _listed(root / folder)
        if file_of(Path(name)).name not in names[folder]:
            raise HemotkError(
                f"{root / item.path}: no such file; name the present place of the images with ‹data›, or split again."
            )


def _listed(folder: Path) -> set[str]:
    try:
        with os.scandir(folder) as entries:
            return {entry.name for entry in entries}
    except OSError as error:
        raise HemotkError(f"{folder}: cannot be read; name the present place of the images with ‹data›.") from error
