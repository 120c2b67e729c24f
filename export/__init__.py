"""From a finished run to a bundle of .tflite files."""
