"""One module per on-disk layout."""
