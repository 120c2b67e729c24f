"""Removing whole channels from a DenseNet."""
