"""What `vreid explain` found out, as a page for a terminal or a file."""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from vreid.params.metrics import TRAINING_TIME
from vreid.reporting.cells import printed
from vreid.reporting.explaining.records import (
    Check,
    Explanation,
    Made,
)
from vreid.reporting.explaining.run_text import DECIMALS, Line, of_run
from vreid.reporting.formats import statements_wording, wording
from vreid.reporting.plain import plain
from vreid.reporting.records import Made as Header

OF_THE_SEED = ("seed", "took", "files", "tested", "tracked")
"""What is said of every run; the rest only where it is not as in the run above."""

VERDICTS = {True: ("ok", "green"), False: ("MISMATCH", "bold red"), None: ("unknown", "yellow")}


def show(found: Explanation, console: Console) -> None:
    """Print an explanation: the number, how it was made, each run behind it, and what was checked."""
    _block(console, _title(found), [*_number(found), *_how(found.made)])
    above: list[Line] = []
    for facts in found.runs:
        lines = list(of_run(facts))
        _block(console, f"run {facts.run}", list(_beyond(lines, above)))
        above = lines
    _checks(console, found)


def _beyond(lines: Sequence[Line], above: Sequence[Line]) -> Iterator[Line]:
    """Yield what a run has and the run above it has not; that something is left out is said."""
    alike = {
        name
        for name in dict(lines)
        if name not in OF_THE_SEED and _called(name, lines) == _called(name, above)
    }
    yield from (line for line in lines if line[0] not in alike)
    if alike:
        yield "the rest", "is that of the run above"


def _called(name: str, lines: Sequence[Line]) -> list[str]:
    return [value for other, value in lines if other == name]


def _block(console: Console, title: str, lines: Sequence[Line]) -> None:
    console.print(Text(plain(title), style="bold"))
    grid = Grid.grid(padding=(0, 2))
    grid.add_column(style="cyan", no_wrap=True)
    grid.add_column(overflow="fold")
    before = ""
    for name, value in lines:
        grid.add_row(Text(f"  {'' if name == before else name}"), Text(plain(value)))
        before = name
    console.print(grid)
    console.print()


def _title(found: Explanation) -> str:
    if found.cell is not None and found.made is not None:
        cell = found.cell
        return f"{cell.paper}, {found.made.title}, row {cell.row} ({cell.label}), {cell.column}"
    if found.claim is not None:
        return f"{found.target}: {found.claim.verdict}"
    if found.figure is not None:
        return f"{found.figure.paper}, {found.figure.title}: {found.figure.caption}"
    return found.target


# The number, and how it was made


def _number(found: Explanation) -> Iterator[Line]:
    if found.cell is not None:
        yield from _of_cell(found)
    if found.claim is not None:
        yield "claim", f"{found.claim.says} ({statements_wording.place(found.claim)})"
        for pair in found.claim.comparisons:
            sides = " over ".join(statements_wording.side(side) for side in (pair.better, pair.worse))
            yield "compared", f"{sides}, {pair.better.metric}, {pair.better.protocol}"
            yield "paper", statements_wording.papers(pair)
            gap = statements_wording.gap(pair)
            yield "ours", "--" if gap is None else f"{gap[0]}, 95 % interval {gap[1]} over {pair.over}"
            yield "verdict", statements_wording.verdict(pair)
        if len(found.claim.comparisons) > 1:
            yield "all", statements_wording.verdict(found.claim)
    if found.figure is not None:
        for method, runs in found.figure.runs.items():
            yield "shows", f"{method}: {', '.join(runs) or '--'}"
        for note in found.figure.notes:
            yield "note", note


def _of_cell(found: Explanation) -> Iterator[Line]:
    about = found.cell
    if about is None:
        return
    cell, cost = about.cell, about.metric == TRAINING_TIME
    yield "paper", "--" if cell.paper is None else str(cell.paper)
    if about.cited_from is not None:
        yield "quoted", f"by the paper, from {about.cited_from}"
    if about.mean is not None:
        spread = (
            "one seed" if about.sd is None else f"sd {printed(about.sd, DECIMALS)}, {len(cell.values)} seeds"
        )
        gap = f"; {about.difference} from the paper's, as printed" if about.difference is not None else ""
        yield "ours", f"{printed(about.mean, DECIMALS)}{'×' if cost else ''} ({spread}{gap})"
        if len(cell.values) > 1:
            yield "by seed", ", ".join(printed(value, DECIMALS) for value in cell.values)
    elif cell.status != "cited":
        yield "ours", f"-- ({cell.status})"
    if cell.reason is not None:
        yield "missing", cell.reason
    what = f"{about.metric} of {about.dataset}, protocol {about.protocol}"
    yield "metric", f"{what}, {'a multiple of the first row of ours' if cost else 'in percent'}"


def _how(made: Made | None) -> Iterator[Line]:
    if made is None:
        return
    header = Header(paper="", **made.model_dump(exclude={"file", "title", "caption"}))
    yield "made", wording.provenance(header)
    if made.caption:
        yield "about", made.caption
    yield "from", made.citation


# Checks


def _checks(console: Console, found: Explanation) -> None:
    console.print(Text("checked", style="bold"))
    grid = Grid.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for says, check in _said_once(found):
        word, style = VERDICTS[check.holds]
        grid.add_row(Text(f"  {word}", style=style), Text(plain(says)))
    console.print(grid)
    wrong = len(found.mismatches)
    open_ = sum(check.holds is None for _, check in found.all_checks())
    console.print()
    console.print(Text(_summary(wrong, open_), style="bold red" if wrong else "bold"))


def _said_once(found: Explanation) -> Iterator[tuple[str, Check]]:
    """Yield every check; what holds alike for several runs is one line."""
    checks = list(found.all_checks())
    for place, (run, check) in enumerate(checks):
        alike = [other for other, one in checks if one == check]
        if run is None:
            yield check.says, check
        elif check.holds is True and len(alike) > 1:
            if (run, check) == next(pair for pair in checks[: place + 1] if pair[1] == check):
                yield f"{len(alike)} runs: {check.says}", check
        else:
            yield f"{run}: {check.says}", check


def _summary(wrong: int, unknown: int) -> str:
    parts = [
        f"{wrong} mismatch{'' if wrong == 1 else 'es'}" if wrong else "Everything that was checked agrees"
    ]
    if unknown:
        parts.append(f"{unknown} could not be checked")
    return "; ".join(parts) + "."
