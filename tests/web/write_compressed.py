"""Slices of nobody in the compressed transfer syntaxes, each beside its twin that GDCM unpacked again.

Run by hand where python-gdcm is installed, as `python write_compressed.py`; the files are kept in compressed/.
"""

import sys
from pathlib import Path

import gdcm

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))

from dicom_files import content, dataset, ramp

FOLDER = Path(__file__).parent / "compressed"
SYNTAXES = {
    "lossless": gdcm.TransferSyntax.JPEGLosslessProcess14_1,
    "lossless_14": gdcm.TransferSyntax.JPEGLosslessProcess14,
    "ls": gdcm.TransferSyntax.JPEGLSLossless,
    "ls_near": gdcm.TransferSyntax.JPEGLSNearLossless,
    "2000": gdcm.TransferSyntax.JPEG2000Lossless,
    "2000_lossy": gdcm.TransferSyntax.JPEG2000,
}


def main() -> None:
    """Write each syntax with and without a sign, of 16 and of 12 bits."""
    FOLDER.mkdir(exist_ok=True)
    values = ramp() + 1024
    values[10:20, 5:30] += (values[10:20, 5:30] * 7) % 41
    sources = {
        "signed": dataset(values.clip(-1000, 4000)),
        "unsigned": dataset(values.clip(0, 4095), signed=False, bits=12),
    }
    source = FOLDER / "source.dcm"
    for kind, made in sources.items():
        source.write_bytes(content(made))
        for name, syntax in SYNTAXES.items():
            file = FOLDER / f"{name}_{kind}.dcm"
            if change(source, file, syntax):
                change(file, FOLDER / f"{name}_{kind}.plain.dcm", gdcm.TransferSyntax.ExplicitVRLittleEndian)
    source.unlink()


def change(path: Path, out: Path, syntax: int) -> bool:
    """Write the file at `path` in another transfer syntax; whether GDCM can."""
    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    change.SetInput(reader.GetImage())
    if not change.Change():
        print(f"{out}: GDCM cannot write it")
        return False
    writer = gdcm.ImageWriter()
    writer.SetFileName(str(out))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    return bool(writer.Write())


if __name__ == "__main__":
    main()
