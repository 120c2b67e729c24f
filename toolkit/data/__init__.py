"""Image folders: scanning, splitting, the pixel contract, phantoms."""
