"""One module per on-disk layout; each has `MARKERS` and `scan(root, spec)`."""
