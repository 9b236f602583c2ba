"""Compares two states of the reports."""
