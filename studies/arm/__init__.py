"""Instructions per inference on an emulated Arm processor. Run from a checkout (`make bench-arm`), never installed."""
