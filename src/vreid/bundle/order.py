"""In which order runs are made: so that whole claims and tables are finished early.

1. The main claim of every paper: its main experiment and the baseline that a claim compares it with, all
   seeds; the paper with the least work left first.
2. Tables, the one with the least work left first; what is made by then costs them nothing.
3. What only figures and other claims ask for, paper by paper.

Within a group the dearest run comes first: with several GPUs the last one then ends early. Work is what
`vreid.training.cost` counts, multiply-adds, without times measured on any device.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from vreid.bundle.contents import Group
from vreid.params.plan import ClaimsPlan, PairPlan, Plan

KINDS = ("claim", "table", "rest")


def groups_of(plan: Plan, chosen: Iterable[str]) -> tuple[Group, ...]:
    """Return the groups that the `chosen` runs of `plan` (whole, with its reports) belong to."""
    wanted = set(chosen)
    found = [
        Group(kind="claim", title=paper, runs=_main_claim(plan, claims))
        for paper, claims in plan.claims.items()
    ]
    for key, table in plan.tables.items():
        runs = {name: None for row in table.rows for cell in row.cells for name in cell.runs}
        found.append(Group(kind="table", title=key, runs=tuple(runs)))
    for paper in dict.fromkeys(run.paper for run in plan.runs.values()):
        runs = {name: None for name, run in plan.runs.items() if run.paper == paper}
        found.append(Group(kind="rest", title=paper, runs=tuple(runs)))
    kept = [
        group.model_copy(update={"runs": tuple(name for name in group.runs if name in wanted)})
        for group in found
        if group.kind == "rest" or wanted.issuperset(group.runs)
    ]
    return tuple(group for group in kept if group.runs)


def ordered(groups: Sequence[Group], costs: Mapping[str, float], done: Iterable[str]) -> list[str]:
    """Return the runs of `groups` that are not `done`, in the order described above; `costs` by run."""
    left = dict.fromkeys(name for group in groups for name in group.runs)
    for name in done:
        left.pop(name, None)
    order: list[str] = []
    for kind in KINDS:
        waiting = [group for group in groups if group.kind == kind]
        while waiting:
            next_one = min(waiting, key=lambda group: _work(group, left, costs))
            waiting.remove(next_one)
            runs = sorted((name for name in next_one.runs if name in left), key=lambda name: -costs[name])
            order += runs
            for name in runs:
                del left[name]
    return order


def complete(groups: Iterable[Group], done: Iterable[str]) -> list[str]:
    """Return the claims and tables all of whose runs are done."""
    finished = set(done)
    return [
        f"{group.title} (main claim)" if group.kind == "claim" else group.title
        for group in groups
        if group.kind != "rest" and finished.issuperset(group.runs)
    ]


def _work(group: Group, left: Mapping[str, None], costs: Mapping[str, float]) -> float:
    return sum(costs[name] for name in group.runs if name in left)


def _main_claim(plan: Plan, claims: ClaimsPlan) -> tuple[str, ...]:
    """Return the runs of the comparison that a paper stands for: its main experiment against its baseline.

    That is the first one in which the main experiment is the better side and something called a baseline the
    worse; if there is none, the first one in which the main experiment is the better side.
    """
    audited = [plan.runs[name] for name in plan.audits if plan.runs[name].paper == claims.paper]
    mains = {alias for run in audited for alias in run.same}
    pairs = [pair for claim in claims.claims for pair in claim.pairs if pair.better.runs and pair.worse.runs]
    main = [pair for pair in pairs if mains & _experiments(plan, pair.better.runs)]
    plain = [pair for pair in main if any("baseline" in name for name in _experiments(plan, pair.worse.runs))]
    return tuple(dict.fromkeys(name for pair in (plain or main)[:1] for name in _both(pair)))


def _experiments(plan: Plan, runs: Iterable[str]) -> set[str]:
    return {alias for name in runs for alias in plan.runs[name].same}


def _both(pair: PairPlan) -> Iterator[str]:
    for side in (pair.better, pair.worse):
        yield from side.runs
        if side.minus is not None:
            yield from side.minus.runs
