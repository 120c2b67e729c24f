"""From a picture to a probability, a verdict and a heat map."""
