"""Classifiers that were trained elsewhere in Keras, read without running them."""
