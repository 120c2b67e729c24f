"""The contents of an image folder: pictures, labels, patients, parts."""
