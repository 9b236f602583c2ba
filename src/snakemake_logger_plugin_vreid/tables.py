"""Which tables of the papers a job is made for, read from the plan its command names."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_PLAN = re.compile(r"[^\s'\"=]*\.vreid/plans/[^\s'\"/]+\.json")
_NAMED = 4  # more tables than these would not fit a line


class TableFinder:
    """Finds the tables of a job; each plan is read once.

    A plan (`.vreid/plans/<digest>.json`) holds, at any depth, tables: mappings with `paper`,
    `table` and `rows`, whose cells name the runs they are computed from.
    """

    def __init__(self) -> None:
        self._plans: dict[str, dict[str, tuple[str, ...]]] = {}

    def tables_of(self, wildcards: Mapping[str, str], command: str | None) -> tuple[str, ...]:
        """Tables that need a job, as `se_densenet/table1`; empty if that is not known.

        Args:
            wildcards: of the job; a `table` of a `paper` names itself, a run its tables.
            command: the job's shell command, in which the plan's path stands.
        """
        if "paper" in wildcards and "table" in wildcards:
            return (f"{wildcards['paper']}/{wildcards['table']}",)
        named = _PLAN.search(command or "")
        if named is None:
            return ()
        tables_of_run = self._read(named[0])
        return next((tables_of_run[v] for v in wildcards.values() if v in tables_of_run), ())

    def _read(self, path: str) -> dict[str, tuple[str, ...]]:
        if path not in self._plans:
            try:
                plan = json.loads(Path(path).read_text(encoding="utf-8"))
            except (OSError, ValueError):  # a plan that went away costs the names, not the run
                plan = None
            self._plans[path] = tables_by_run(plan)
        return self._plans[path]


def tables_by_run(plan: Any) -> dict[str, tuple[str, ...]]:
    """The tables that show each run of a plan, as `{run: (paper/table, ...)}`."""
    found: dict[str, dict[str, None]] = {}
    for table in _mappings(plan):
        if not {"paper", "table", "rows"} <= table.keys():
            continue
        for part in _mappings(table["rows"]):
            runs = part.get("runs")
            for run in runs if isinstance(runs, list) else ():
                found.setdefault(str(run), {})[f"{table['paper']}/{table['table']}"] = None
    return {run: tuple(tables) for run, tables in found.items()}


def name_tables(tables: Sequence[str]) -> str:
    """`se_densenet/table1, table2`: a paper that was just named is not named again."""
    words = []
    last_paper = ""
    for table in tables[:_NAMED]:
        paper, _, name = table.partition("/")
        words.append(name if paper == last_paper else table)
        last_paper = paper
    if len(tables) > _NAMED:
        words.append(f"{len(tables) - _NAMED} more")
    return ", ".join(words)


def _mappings(tree: Any) -> list[dict[str, Any]]:
    """Every mapping in a JSON document, in the document's order."""
    found: list[dict[str, Any]] = []
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            found.append(node)
            waiting.extend(reversed(node.values()))
        elif isinstance(node, list):
            waiting.extend(reversed(node))
    return found
