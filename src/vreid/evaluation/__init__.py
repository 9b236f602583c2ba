"""Ranking, metrics and protocols."""
