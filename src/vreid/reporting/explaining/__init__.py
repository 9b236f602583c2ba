"""Walks a number of the reports back to where it comes from, and checks every step."""
