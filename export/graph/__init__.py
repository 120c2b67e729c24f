"""The numpy inference graph of a trained DenseNet and its exact rewrites."""
