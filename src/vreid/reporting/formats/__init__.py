"""The forms in which a table is written."""
