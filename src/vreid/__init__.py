"""vreid regenerates the tables of vehicle re-identification papers, every number beside the paper's."""

__version__ = "0.1.0"
