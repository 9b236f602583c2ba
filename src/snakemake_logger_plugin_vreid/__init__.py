"""Snakemake's `--logger vreid`: the progress display; imported, it also makes targets parse."""

from snakemake_logger_plugin_vreid import arguments
from snakemake_logger_plugin_vreid.handler import LogHandler

__all__ = ["LogHandler"]

arguments.install()
