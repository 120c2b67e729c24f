"""Keras's layers that hand on what they get when a network is only used: `predict` does not apply them."""

_DROPOUT = ("AlphaDropout", "Dropout", "GaussianDropout", "GaussianNoise", "SpatialDropout2D")
_AUGMENTATION = (
    *("AugMix", "CutMix", "MixUp", "RandAugment", "Solarization"),
    *("RandomBrightness", "RandomColorDegeneration", "RandomColorJitter", "RandomContrast", "RandomElasticTransform"),
    *("RandomErasing", "RandomFlip", "RandomGaussianBlur", "RandomGrayscale", "RandomHeight", "RandomHue"),
    *("RandomInvert", "RandomPerspective", "RandomPosterization", "RandomRotation", "RandomSaturation"),
    *("RandomSharpness", "RandomShear", "RandomTranslation", "RandomWidth", "RandomZoom"),
)
# RandomCrop is not among them: some Keras versions resize where they do not crop.
UNAPPLIED = frozenset((*_DROPOUT, *_AUGMENTATION, "ActivityRegularization", "Identity"))
