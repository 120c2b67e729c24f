"""Opening, verifying and publishing runs, bundles and test sets."""
