"""Reading and running .tflite files: interpreter, scores, facts, metadata, placement."""
