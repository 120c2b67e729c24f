"""Measuring scores and times of models, here and on devices."""
