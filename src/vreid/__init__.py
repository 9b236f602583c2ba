"""vreid regenerates the tables of five vehicle re-identification papers and judges their claims."""

__version__ = "0.1.0"
