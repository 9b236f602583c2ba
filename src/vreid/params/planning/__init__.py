"""Resolves params/ into the plan: datasets, recipes, runs, and the reports made of them."""
