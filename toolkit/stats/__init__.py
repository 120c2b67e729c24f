"""Statistics of scores against labels: shares, intervals, calibration, paired comparisons. Needs numpy alone."""
