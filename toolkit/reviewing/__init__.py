"""A run or a bundle to look at: every miss, near-threshold slice and flip on one offline page."""
