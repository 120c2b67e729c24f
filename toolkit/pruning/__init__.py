"""Fewer channels, fewer weights: from a run to a smaller run."""
