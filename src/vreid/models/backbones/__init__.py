"""Backbones that several models share."""
