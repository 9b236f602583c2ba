"""Crates: the reports with machine-readable provenance in one file."""
