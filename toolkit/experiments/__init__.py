"""Reading experiments: finished runs as a table, side by side, and divided into parts. Needs no TensorFlow."""
