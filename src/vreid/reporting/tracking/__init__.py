"""Carries the runs over to MLflow, which only records: nothing here reads back from it what to compute."""
