"""Reads and validates params/, and expands it into the plan: runs, tables, claims. Imports no torch."""
