"""Makes `snakemake --cores 8 --resources gpu=2 reports/all_tables.md` parse.

Snakemake declares `--resources NAME=INT [NAME=INT ...]`, and argparse hands such an option every
token up to the next dash, the target included; Snakemake 7 to 9.27 then stop with a `ValueError`.
Snakemake imports each installed `snakemake_logger_plugin_*` package while it builds its parser,
so this package is asked in time to put the target where argparse looks for it.

Only Snakemake's own parser class is wrapped, never argparse or configargparse, and a parser whose
`--resources` no longer takes a list is left alone.
"""

import argparse
import functools
import sys
from collections.abc import Collection, Sequence
from typing import Any


def install() -> None:
    """Wrap `parse_known_args` of Snakemake's parser; a second call changes nothing."""
    try:
        from snakemake.common.argparse import ArgumentParser  # noqa: PLC0415
    except ImportError:  # a Snakemake built differently: its parser stays as it is
        return
    parse = ArgumentParser.parse_known_args
    if getattr(parse, "finds_targets", False):
        return

    @functools.wraps(parse)
    def parse_known_args(self: argparse.ArgumentParser, args: Any = None, *rest: Any, **options: Any) -> Any:
        tokens = sys.argv[1:] if args is None else args
        if not isinstance(tokens, str):
            tokens = move_targets(tokens, greedy_options(self))
        return parse(self, tokens, *rest, **options)

    parse_known_args.finds_targets = True  # type: ignore[attr-defined]
    ArgumentParser.parse_known_args = parse_known_args


def move_targets(tokens: Sequence[str], options: Collection[str]) -> list[str]:
    """Move targets that a list of `NAME=VALUE` has swallowed to where argparse reads targets.

    A token without `=` that stands in the list of one of `options` is a target. It goes behind
    the targets that open the command line, or, if the line holds `--`, directly behind that.
    Everything else keeps its order; the tokens behind `--` and the values of other options, and
    `--resources=gpu=2`, which takes one value, are not looked at.

    Args:
        tokens: the command line without the program's name.
        options: spellings of the option, as `--resources` and `--res`.

    Returns:
        The same tokens, in another order if a target had been swallowed.
    """
    end = tokens.index("--") if "--" in tokens else len(tokens)
    kept: list[str] = []
    swallowed: list[str] = []
    in_list = False
    for token in tokens[:end]:
        if token.startswith("-"):
            in_list = token in options
        elif in_list and "=" not in token:
            swallowed.append(token)
            continue
        kept.append(token)
    if end < len(tokens) and swallowed:
        return [*kept, "--", *swallowed, *tokens[end + 1 :]]
    first_option = next((i for i, t in enumerate(kept) if t.startswith("-")), len(kept))
    return [*kept[:first_option], *swallowed, *kept[first_option:], *tokens[end:]]


def greedy_options(parser: argparse.ArgumentParser) -> frozenset[str]:
    """Spellings of `--resources` if this parser lets it swallow targets, else nothing."""
    actions = parser._actions
    if not any(action.dest == "targets" and not action.option_strings for action in actions):
        return frozenset()
    return frozenset(
        spelling
        for action in actions
        if action.dest == "resources" and action.nargs in {"+", "*"}
        for spelling in action.option_strings
    )
