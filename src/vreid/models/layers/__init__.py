"""Reusable modules, one paper's idea each."""
