"""Packs the WebAssembly of the npm packages into built/: `python pack_web_runtime.py [--check] NODE_MODULES BUILT`.

Run by `make web`; with `--check`, what is packed already is compared. The archive is small enough to be kept in the
repository, as the two levels of the interpreter share most of their bytes.
"""

import hashlib
import io
import json
import lzma
import sys
import tarfile
from pathlib import Path

LITERT = "@litertjs/core/wasm/litert_wasm"
FILES = {
    "relaxed": f"{LITERT}_internal.wasm",
    "compat": f"{LITERT}_compat_internal.wasm",
    "relaxed_js": f"{LITERT}_internal.js",
    "compat_js": f"{LITERT}_compat_internal.js",
    "jpeg": "@cornerstonejs/codec-libjpeg-turbo-8bit/dist/libjpegturbowasm_decode.wasm",
    "jpeg2000": "@cornerstonejs/codec-openjpeg/dist/openjpegwasm_decode.wasm",
    "jpegls": "@cornerstonejs/codec-charls/dist/charlswasm_decode.wasm",
}
FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": 1 << 26}]


def main(modules: Path, built: Path) -> None:
    """Write `runtime.tar.xz` and `runtime.json`."""
    files = contents(modules)
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    packed = lzma.compress(stream.getvalue(), filters=FILTERS)
    (built / "runtime.tar.xz").write_bytes(packed)
    record = {
        "archive": sha256(packed),
        "files": {name: sha256(content) for name, content in files.items()},
        "packages": json.loads((built / "packages.json").read_text(encoding="utf-8")),
    }
    (built / "runtime.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def contents(modules: Path) -> dict[str, bytes]:
    """The files by the name of their part."""
    return {name: (modules / path).read_bytes() for name, path in FILES.items()}


def check(modules: Path, built: Path) -> None:
    """End with an error where the record is not of these files."""
    recorded = json.loads((built / "runtime.json").read_text(encoding="utf-8"))["files"]
    if recorded != {name: sha256(content) for name, content in contents(modules).items()}:
        sys.exit(f"{built / 'runtime.json'}: is not of the packages in {modules}; run 'make web'.")


def sha256(data: bytes) -> str:
    """SHA-256, 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


if __name__ == "__main__":
    *flags, modules, built = sys.argv[1:]
    (check if flags == ["--check"] else main)(Path(modules), Path(built))
