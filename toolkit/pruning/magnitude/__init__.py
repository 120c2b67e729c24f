"""Setting the smallest weights to zero."""
