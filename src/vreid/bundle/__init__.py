"""Bundles: runs packed for a machine that has PyTorch and little else, and brought home again."""
