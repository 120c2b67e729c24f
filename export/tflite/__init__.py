"""Writing .tflite files and their metadata."""
