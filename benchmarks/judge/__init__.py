"""Judging what was measured: figures, limits, the gate."""
