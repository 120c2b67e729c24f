"""Drawing synthetic head CT slices."""
