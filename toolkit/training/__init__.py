"""Training: configuration, loop, curves, imported networks."""
