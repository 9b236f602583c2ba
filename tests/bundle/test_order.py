from itertools import combinations

from vreid.bundle.contents import Group
from vreid.bundle.order import complete, groups_of, ordered
from vreid.training.cost import run_costs


def group(kind, title, runs):
    return Group(kind=kind, title=title, runs=tuple(runs))


GROUPS = [
    group("claim", "dear", "ab"),
    group("claim", "cheap", "cd"),
    group("table", "t1", "abef"),
    group("table", "t2", "cdgh"),
    group("table", "t3", "abcd"),
    group("rest", "paper", "abcdefghi"),
]
COSTS = {"a": 9, "b": 8, "c": 1, "d": 2, "e": 1, "f": 1, "g": 1, "h": 3, "i": 1}


def test_claims_come_first_then_tables_by_what_is_left_of_them():
    assert ordered(GROUPS, COSTS, []) == ["d", "c", "a", "b", "e", "f", "h", "g", "i"]


def test_what_is_done_changes_the_order_of_the_rest():
    assert ordered(GROUPS, COSTS, "abcdh") == ["g", "e", "f", "i"]
    assert ordered(GROUPS, COSTS, COSTS) == []


def test_complete_are_those_of_which_every_run_is_done():
    assert complete(GROUPS, "abcd") == ["dear (main claim)", "cheap (main claim)", "t3"]
    assert complete(GROUPS, "abc") == ["dear (main claim)"]


def test_every_run_of_the_plan_has_its_place(demo):
    groups = groups_of(demo, demo.runs)
    costs = {name: cost.work for name, cost in run_costs(demo, {}).items()}
    order = ordered(groups, costs, [])
    assert sorted(order) == sorted(demo.runs)
    first = {demo.runs[name].experiment for name in order[:4]}
    assert first == {"baseline", "proposed"}  # of two seeds
    place = {name: number for number, name in enumerate(order)}
    tables = [group for group in groups if group.kind == "table"]
    ends = {group.title: max(place[name] for name in group.runs) for group in tables}
    for one, other in combinations(tables, 2):
        if set(one.runs) < set(other.runs):
            assert ends[one.title] <= ends[other.title]


def test_a_group_of_which_only_a_part_was_chosen_is_none(demo):
    chosen = [name for name, run in demo.runs.items() if run.experiment == "baseline"]
    assert [group.kind for group in groups_of(demo, chosen)] == ["rest"]
