"""Training one run and extracting its features."""
