"""Targets behind `--resources` are found, and nothing else on a command line changes."""

import argparse
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snakemake_logger_plugin_vreid.arguments import greedy_options, install, move_targets

OPTIONS = frozenset({"--resources", "--res"})


@pytest.mark.parametrize(
    ("given_line", "moved"),
    [
        ("--cores 8 --resources gpu=2 all.md", "all.md --cores 8 --resources gpu=2"),
        ("--res gpu=2 mem_mb=9 a b --cores 8", "a b --res gpu=2 mem_mb=9 --cores 8"),
        ("a --resources gpu=2 b", "a b --resources gpu=2"),
        ("--res a gpu=2 -n --res cpu=1 b", "a b --res gpu=2 -n --res cpu=1"),
        ("--resources gpu=2 a -- b", "--resources gpu=2 -- a b"),
    ],
)
def test_swallowed_targets_move(given_line, moved):
    assert move_targets(given_line.split(), OPTIONS) == moved.split()


@pytest.mark.parametrize(
    "line",
    [
        "",
        "all.md --resources gpu=2",
        "--resources=gpu=2 all.md",
        "--resources gpu=2 --cores 8 all.md",
        "--resources gpu=2 -- all.md",
        "-- --resources gpu=2 all.md",
        "--config a=b c --quiet rules d --forcerun e --set-resources x:gpu=1 f",
    ],
)
def test_other_lines_stay(line):
    assert move_targets(line.split(), OPTIONS) == line.split()


TOKENS = st.lists(
    st.sampled_from(
        ["--resources", "--res", "--cores", "8", "-n", "--", "gpu=2", "mem_mb=9", "a.md", "b", ""]
    )
    | st.text(max_size=4),
    max_size=12,
)


@given(TOKENS)
def test_tokens_are_only_reordered_and_a_second_time_changes_nothing(tokens):
    once = move_targets(tokens, OPTIONS)
    assert sorted(once) == sorted(tokens)
    assert move_targets(once, OPTIONS) == once
    assert move_targets(tokens, ()) == tokens


@given(TOKENS)
def test_options_and_what_follows_the_double_dash_keep_their_order(tokens):
    once = move_targets(tokens, OPTIONS)
    end = tokens.index("--") if "--" in tokens else len(tokens)
    behind = tokens[end:]
    assert [t for t in once if t.startswith("-")] == [t for t in tokens if t.startswith("-")]
    if behind[1:]:
        assert once[-len(behind) + 1 :] == behind[1:]


NAMES = st.from_regex(r"[a-z][a-z0-9_/.]{0,8}", fullmatch=True)
VALUES = st.builds("{}={}".format, st.sampled_from(["gpu", "mem_mb"]), st.integers(0, 9))


@given(st.lists(VALUES, min_size=1, max_size=3), st.lists(NAMES, min_size=1, max_size=3))
def test_a_greedy_parser_then_reads_both(values, targets):
    parser = _parser(nargs="+")
    tokens = ["--cores", "8", "--resources", *values, *targets]
    read = parser.parse_args(move_targets(tokens, greedy_options(parser)))
    assert (read.resources, read.targets, read.cores) == (values, targets, "8")


def test_a_parser_that_is_not_greedy_or_not_snakemakes_is_left_alone():
    assert greedy_options(_parser(nargs="+")) == OPTIONS
    assert greedy_options(_parser(nargs=None)) == frozenset()
    other = argparse.ArgumentParser()
    other.add_argument("--resources", nargs="+")
    assert greedy_options(other) == frozenset()


def test_install_wraps_snakemakes_parser_once_and_no_other():
    from configargparse import ArgumentParser as OtherParser
    from snakemake.common.argparse import ArgumentParser

    install()
    wrapped = ArgumentParser.parse_known_args
    install()
    assert ArgumentParser.parse_known_args is wrapped
    assert wrapped is not OtherParser.parse_known_args
    assert "finds_targets" not in vars(OtherParser.parse_known_args)
    assert "finds_targets" not in vars(argparse.ArgumentParser.parse_known_args)


def test_snakemakes_own_parser_reads_the_line(monkeypatch):
    from snakemake.cli import get_argument_parser

    line = ["--cores", "8", "--resources", "gpu=2", "reports/all_tables.md"]
    parser = get_argument_parser()
    assert greedy_options(parser) == OPTIONS
    for read in (parser.parse_args(line), _read_from_sys_argv(parser, line, monkeypatch)):
        assert (list(read.targets), read.cores) == (["reports/all_tables.md"], 8)
        assert dict(read.resources.unwrapped_items()) == {"gpu": 2}


def test_a_display_is_not_imported_before_it_is_needed():
    code = "import sys, snakemake_logger_plugin_vreid; print('rich' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def _read_from_sys_argv(parser, line, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["snakemake", *line])
    return parser.parse_args()


def _parser(nargs):
    parser = argparse.ArgumentParser()
    parser.add_argument("targets", nargs="*")
    parser.add_argument("--resources", "--res", nargs=nargs, dest="resources")
    parser.add_argument("--cores")
    return parser
