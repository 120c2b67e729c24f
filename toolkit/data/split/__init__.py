"""Dividing the images of a folder into parts and folds that share nothing."""
