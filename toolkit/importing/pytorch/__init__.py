"""Networks that were trained in PyTorch, read from their files without PyTorch and without running anything in them."""
