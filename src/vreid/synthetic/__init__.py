"""The rendered world that stands in for the datasets."""
