"""A page that runs a bundle's int8 model in a browser. Its JavaScript is in page/, bundled in built/."""
