"""Looking through a folder before anything is trained on it."""
