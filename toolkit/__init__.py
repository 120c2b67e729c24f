"""hemotk: head CT hemorrhage classifiers, from a folder of images to a checked int8 .tflite."""

from hemotk._version import VERSION as __version__

__all__ = ["__version__"]
