"""The integer variants: ranges, thresholds, quantization."""
