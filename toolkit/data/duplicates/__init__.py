"""Finding pictures that show the same slice."""
