"""From a plan and evaluations to a filled table."""

import csv
import io
import json
from decimal import Decimal

import pytest

from vreid.params.errors import UserError
from vreid.params.plan import CellPlan
from vreid.reporting.records import as_json, read_table
from vreid.reporting.tables import build_table, write_table

from .conftest import cited_row, column, evaluation, own_row, table_plan, write_evaluation

LEADING = "paper,table,row,label,kind,dataset,metric,paper_value,value,sd,n_seeds,source,preset,status,runs"


def lines(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_cells_hold_the_seeds_and_where_they_come_from(plan, root):
    table = build_table(plan, root)
    cell = table.rows[0].cells[0]
    assert cell.values == (Decimal("60.25"), Decimal("61.25"))
    assert cell.runs == plan.rows[0].cells[0].runs
    assert cell.evaluations == plan.rows[0].cells[0].evaluations
    assert (cell.paper, cell.mean, cell.status, cell.reason) == (
        Decimal("68.5"),
        Decimal("60.75"),
        "run",
        None,
    )
    assert table.rows[0].cells[1].mean == Decimal("72.5")


def test_a_missing_seed_is_left_out_and_explained(plan, root):
    cell = build_table(plan, root).rows[1].cells[0]
    assert (cell.values, cell.status) == ((Decimal("66.05"),), "run")
    assert cell.reason == (
        "1 of 2 seeds failed; loss is not finite "
        "(runs/se_densenet-proposed-veri776-s1-bbbbbbbbb1/events.jsonl)"
    )


def test_seeds_that_ended_alike_are_said_in_one_breath(root):
    files = tuple(f"runs/p-a-d-s{seed}-0/eval-0/evaluation.json" for seed in range(2))
    for seed in range(2):
        end = {"type": "end", "time": 1, "status": "FAILED", "error": "loss is not finite"}
        folder = root / f"runs/p-a-d-s{seed}-0"
        folder.mkdir(parents=True)
        (folder / "events.jsonl").write_text(json.dumps(end) + "\n")
    cell = build_table(table_plan([own_row(1, "Gone", (1.0, 2.0), ("a", "b"), files)]), root).rows[0].cells[0]
    assert cell.reason == (
        "failed; loss is not finite (runs/p-a-d-s0-0/events.jsonl, runs/p-a-d-s1-0/events.jsonl)"
    )


def test_a_row_of_which_nothing_was_run_is_pending(root):
    missing = "runs/se_densenet-gone-veri776-s0-1/eval-0/evaluation.json"
    plan = table_plan([own_row(1, "Gone", (1.0, 2.0), ("se_densenet-gone-veri776-s0-1",), (missing,))])
    cell = build_table(plan, root).rows[0].cells[0]
    assert (cell.status, cell.mean, cell.reason) == ("pending", None, "pending; not run yet")


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("dataset absent", "dataset absent: docs/datasets.md says where veri776 belongs"),
        ("not in this preset", "not in this preset: demo leaves it out"),
    ],
)
def test_a_row_that_was_not_planned_says_why(root, status, reason):
    row = own_row(1, "Absent", (1.0, 2.0), (), ())
    row = row.model_copy(update={"cells": (CellPlan(status=status),) * 2})
    table = build_table(table_plan([row]), root)
    assert {(cell.status, cell.reason) for cell in table.rows[0].cells} == {(status, reason)}


def trained(root, run, device, seconds):
    """Write an evaluation and what the training cost; return the evaluation's file."""
    file = write_evaluation(root, run, {"veri776": evaluation(mAP=0.5)})
    costs = {
        "cpu": {"cpu_seconds": seconds, "seconds": 999.0},
        "cuda": {"cpu_seconds": 1.0, "seconds": seconds},
    }
    (root / "runs" / run / "run.json").write_text(json.dumps({"device": device} | costs[device]))
    return file


def timed(*rows):
    """A table of training times: rows of evaluation files by seed, after a row that is quoted."""
    own = [
        own_row(n, "M", (0.7,), tuple("r" for _ in row), tuple(row)) for n, row in enumerate(rows, start=2)
    ]
    return table_plan([cited_row(1, "Quoted", (0.5,), "[1]"), *own], [column("training_time")])


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_training_times_are_multiples_of_the_first_row_of_ours(root, device):
    first = [trained(root, f"p-a-d-s{s}-0", device, seconds) for s, seconds in enumerate((10.0, 14.0))]
    second = [trained(root, f"p-b-d-s{s}-0", device, seconds) for s, seconds in enumerate((18.0, 30.0))]
    table = build_table(timed(first, second), root)
    # the first row's mean is 12 s
    assert table.rows[1].cells[0].mean == 1
    assert table.rows[1].cells[0].values == (Decimal("0.83333333"), Decimal("1.16666667"))
    assert table.rows[2].cells[0].mean == 2
    assert table.rows[0].cells[0].values == ()
    assert not any(table.marks(0)[0] + table.marks(0)[1])


def test_training_times_of_two_devices_are_not_compared(root):
    first, second = trained(root, "p-a-d-s0-0", "cpu", 10.0), trained(root, "p-b-d-s0-0", "cuda", 1.0)
    cell = build_table(timed([first], [second]), root).rows[2].cells[0]
    assert (cell.values, cell.reason) == ((), "trained on another device than the first row of ours")


def test_training_times_without_their_unit_say_so(root):
    second = trained(root, "p-b-d-s0-0", "cpu", 1.0)
    cell = build_table(timed(["runs/gone/eval-0/evaluation.json"], [second]), root).rows[2].cells[0]
    assert cell.values == ()
    assert cell.reason == "the first row of ours, whose training time is the unit, was not run"


def test_a_training_without_its_cost_is_an_error(root):
    first = trained(root, "p-a-d-s0-0", "cpu", 10.0)
    (root / "runs/p-a-d-s0-0/run.json").write_text('{"device": "cpu", "cpu_seconds": 0}')
    with pytest.raises(UserError, match=r"run\.json does not say what the training cost"):
        build_table(timed([first]), root)


def test_baselines_hold_what_is_known_of_the_tables_metrics(plan, root):
    [baseline] = build_table(plan, root).baselines
    assert (baseline.queries, baseline.gallery) == (8, 24)
    assert baseline.values == {
        "chance": {"mAP": Decimal("4.15"), "R1": 3},
        "colour_histogram": {"mAP": 20, "R1": 50},
    }


def test_a_protocol_that_was_not_evaluated_is_an_error(root):
    file = write_evaluation(root, "p-a-veri776-s0-1", {"veri776": evaluation(mAP=0.5)})
    plan = table_plan([own_row(1, "A", (1.0,), ("r",), (file,))], [column("mAP", protocol="all")])
    with pytest.raises(UserError, match="no protocol 'all', only veri776"):
        build_table(plan, root)


def test_csv_is_one_line_per_row_and_metric(plan, root):
    write_table(plan, root / "out", root)
    text = (root / "out/table1.csv").read_text()
    assert text.startswith(LEADING + ",")
    first, second, third, *_, cited, empty = lines(text)
    assert len(lines(text)) == 6
    assert {key: first[key] for key in LEADING.split(",")} == {
        "paper": "se_densenet",
        "table": "table1",
        "row": "1",
        "label": "Baseline",
        "kind": "own",
        "dataset": "veri776",
        "metric": "mAP",
        "paper_value": "68.5",
        "value": "60.75",
        "sd": "0.70710678",
        "n_seeds": "2",
        "source": "synthetic",
        "preset": "demo",
        "status": "run",
        "runs": "se_densenet-baseline-veri776-s0-aaaaaaaaa0 se_densenet-baseline-veri776-s1-aaaaaaaaa1",
    }
    assert (second["metric"], second["value"]) == ("R1", "72.5")
    assert (third["sd"], third["n_seeds"]) == ("", "1")
    assert (cited["kind"], cited["status"], cited["label"]) == ("cited", "cited", "A|B_c & 5%")
    assert (cited["paper_value"], cited["value"], cited["n_seeds"], cited["runs"]) == ("79.5", "", "0", "")
    assert empty["paper_value"] == ""


def test_json_is_the_whole_table(plan, root):
    table = write_table(plan, root / "out", root)
    path = root / "out/table1.json"
    assert read_table(path) == table
    value = json.loads(path.read_text())
    assert value["digest"] == ""  # a seed of another row failed, and it is not complete
    assert [(one["run"], one["state"]) for one in value["absent"]] == [
        ("se_densenet-proposed-veri776-s1-bbbbbbbbb1", "failed")
    ]
    cell = value["rows"][0]["cells"][0]
    assert (cell["paper"], cell["mean"], cell["sd"], cell["n_seeds"]) == (68.5, 60.75, 0.70710678, 2)
    assert cell["evaluations"] == list(plan.rows[0].cells[0].evaluations)
    assert as_json(read_table(path)) == path.read_text()


def test_writing_again_gives_the_same_bytes(plan, root):
    write_table(plan, root / "one", root)
    write_table(plan, root / "two", root)
    names = sorted(path.name for path in (root / "one").iterdir())
    assert names == ["table1.csv", "table1.json", "table1.md", "table1.tex"]
    assert all((root / "one" / n).read_bytes() == (root / "two" / n).read_bytes() for n in names)


def test_a_json_that_is_no_table_is_one_sentence(tmp_path):
    path = tmp_path / "table1.json"
    with pytest.raises(UserError, match="run the pipeline to make it"):
        read_table(path)
    path.write_text('{"paper": 1}')
    with pytest.raises(UserError, match="delete it and run the pipeline again"):
        read_table(path)
