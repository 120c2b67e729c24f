"""Accuracy and latency of bundles; never imports TensorFlow."""
