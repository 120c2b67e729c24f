"""What lies in an image folder: pictures, labels, patients, parts."""
