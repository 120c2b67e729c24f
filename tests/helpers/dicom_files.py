"""DICOM files made up for tests: a slice of computed tomography of nobody."""

import io

import numpy as np
import pydicom
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

NAME, IDENTITY, BIRTH = "PLANTED^NAME", "PLANTED-ID-4711", "19010203"


def ramp(rows=40, columns=48, low=-1100, high=1100):
    """Hounsfield units int [rows, columns] that rise from `low` to `high`."""
    return np.linspace(low, high, rows * columns).round().astype(int).reshape(rows, columns)


def dataset(stored, *, signed=True, bits=16, slope="1", intercept="-1024", syntax=ExplicitVRLittleEndian, **elements):
    """A CT slice of integers `stored` [rows, columns]; `elements` are added by keyword, or left out where None."""
    made = pydicom.Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = syntax
    made.file_meta.MediaStorageSOPClassUID = CTImageStorage
    made.SOPClassUID = CTImageStorage
    made.PatientName, made.PatientID, made.PatientBirthDate = NAME, IDENTITY, BIRTH
    made.StudyInstanceUID = made.SeriesInstanceUID = "1.2.3"
    made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    made.Modality = "CT"
    made.Rows, made.Columns = stored.shape
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.BitsAllocated = 16 if bits > 8 else 8
    made.BitsStored, made.HighBit, made.PixelRepresentation = bits, bits - 1, int(signed)
    made.RescaleSlope, made.RescaleIntercept = slope, intercept
    kind = f"<{'i' if signed else 'u'}{made.BitsAllocated // 8}"
    made.PixelData = stored.astype(kind).tobytes()
    for name, value in elements.items():
        if value is None:
            delattr(made, name)
        else:
            setattr(made, name, value)
    return made


def content(made):
    """The bytes of the file."""
    stream = io.BytesIO()
    pydicom.dcmwrite(stream, made, enforce_file_format=True)
    return stream.getvalue()


def write_slice(path, stored=None, **settings):
    """A file at `path` of `stored`, by default the ramp; its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content(dataset(ramp() + 1024 if stored is None else stored, **settings)))
    return path
