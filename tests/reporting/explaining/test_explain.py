"""A number walked back, and everything that does not fit found on the way."""

import json
import re
import shutil
from decimal import Decimal
from hashlib import sha256

import pytest
from tests.reporting.explaining.conftest import CLAIMS, FIGURE, PAPER, TABLE

from vreid.params.errors import UserError
from vreid.reporting.explaining.explain import explain

CELL = f"{TABLE}.csv:1:mAP"
CLAIM = f"{CLAIMS}.json:proposed-over-baseline"


def explained(world, target):
    return explain(target, lambda preset: world.plan, world.root)


def test_a_cell_is_walked_back_to_its_runs(finished_world):
    found = explained(finished_world, CELL)
    assert found.mismatches == []
    assert (found.cell.paper, found.cell.row, found.cell.column) == (PAPER, 1, "mAP")
    assert found.cell.cell.paper == Decimal("68.5")  # Table 1 of the paper
    assert found.cell.cell.values == (50, Decimal("56.25"))
    assert found.cell.mean == Decimal("53.125")
    assert found.cell.difference == "-15.4"  # 53.1 less 68.5
    assert [facts.run for facts in found.runs] == [finished_world.run("baseline", seed) for seed in (0, 1)]


def test_a_run_tells_what_is_recorded_of_it(finished_world):
    name = finished_world.run("baseline", 1)
    facts = explained(finished_world, CELL).runs[1]
    planned = finished_world.plan.runs[name]
    assert (facts.seed, facts.config) == (1, planned.config.model_dump(mode="json"))
    assert (facts.data.version, facts.data.train_images) == (planned.config.data, 720)
    assert facts.data.splits == finished_world.plan.datasets["veri776"].splits
    assert (facts.code, facts.git_commit) == (planned.config.code, "c0ffee")
    assert facts.environment == {"python": "3.11.7", "torch": "2.11.0"}
    assert (facts.device, facts.seconds, facts.epochs, facts.attempts) == ("cpu", 12.5, 6, 1)
    assert (facts.tracked.experiment, facts.tracked.run_id) == (PAPER, f"id of {name}")
    [tested] = facts.tested
    assert (tested.protocol, tested.queries, tested.gallery) == ("veri776", 4, 24)
    assert tested.values == {"mAP": Decimal("56.25")}
    assert "input.height: 64 (paper: 256)" in facts.recipe
    assert "schedule.epochs: 8 (paper: 120)" in facts.recipe


def test_files_carry_the_digest_of_what_lies_there(finished_world):
    facts = explained(finished_world, CELL).runs[0]
    by_name = {file.path.rpartition("/")[2]: file for file in facts.files}
    assert by_name["model.safetensors"].sha256 == sha256(b"weights").hexdigest()
    path = finished_world.root / by_name["run.json"].path
    assert by_name["run.json"].bytes == path.stat().st_size
    assert by_name["per_query.parquet"].sha256 is not None


def test_the_page_of_all_tables_tells_the_same_cell(finished_world):
    found = explained(finished_world, f"reports/all_tables.csv:{PAPER}/table1:1:mAP")
    assert found.mismatches == []
    assert found.cell == explained(finished_world, CELL).cell


def test_a_cited_cell_has_no_runs(world):
    def quote(table):
        table["rows"][0] |= {"kind": "cited", "cited_from": "[9]"}
        table["rows"][0]["cells"][0] |= {"status": "cited", "values": [], "runs": [], "evaluations": []}

    world.edit(f"{TABLE}.json", quote)
    found = explained(world, f"{TABLE}.json:1:mAP")
    assert (found.runs, found.cell.cited_from) == ((), "[9]")
    assert [says for says in found.mismatches if "binds other runs" in says] == found.mismatches


def setter(*path, value):
    def change(content):
        for key in path[:-1]:
            content = content[key]
        content[path[-1]] = value

    return change


CELL_OF_ONE = ("rows", 0, "cells", 0)


@pytest.mark.parametrize(
    ("file", "change", "sentences"),
    [
        (f"{TABLE}.json", setter("digest", value="0" * 16), ["stale: the report records the digest 0{16}"]),
        (
            f"{TABLE}.json",
            setter(*CELL_OF_ONE, "values", value=[50.0, 99.0]),
            [
                "says otherwise than the JSON beside it: value '53.125', not '74.5'",
                "the report shows 50.0000, 99.0000, but .* give 50.0000, 56.2500",
            ],
        ),
        (
            f"{TABLE}.json",
            setter(*CELL_OF_ONE, "paper", value=60.0),
            ["paper_value '68.5', not '60'", r"has 60.0 as the paper's value, params/.*yaml has 68.5"],
        ),
        (
            f"{TABLE}.json",
            setter("rows", 0, "label", value="Ours"),
            ["has 'Baseline' in row 1", "label 'Bas"],
        ),
    ],
)
def test_a_changed_report_is_found(world, file, change, sentences):
    world.edit(file, change)
    mismatches = explained(world, CELL).mismatches
    assert len(mismatches) == len(sentences)
    for sentence in sentences:
        assert _matching(sentence, mismatches)


def test_a_changed_csv_is_found(world):
    path = world.root / f"{TABLE}.csv"
    path.write_text(path.read_text().replace("53.125", "63.125"))
    assert _matching("value '63.125', not '53.125'", explained(world, CELL).mismatches)


def test_a_page_that_is_older_than_its_table_is_stale(world):
    world.edit(f"{TABLE}.json", setter("digest", value="0" * 16))
    mismatches = explained(world, f"reports/all_tables.csv:{PAPER}/table1:1:mAP").mismatches
    assert _matching("stale: the page was made from another", mismatches)


def evaluation_of(world, seed=0):
    return world.plan.runs[world.run("baseline", seed)].tests[0].results


def test_a_changed_evaluation_disagrees_with_the_report_and_with_its_queries(world):
    world.edit(evaluation_of(world), setter("protocols", "veri776", "mAP", value=0.9))
    mismatches = explained(world, CELL).mismatches
    assert _matching("the report shows 50.0000, 56.2500, but .* give 90.0000, 56.2500", mismatches)
    assert _matching("it says 90.0000, but its single queries average to 50.0000", mismatches)


def test_changed_queries_disagree_with_the_evaluation(world):
    folder = (world.root / evaluation_of(world)).parent
    other = (world.root / evaluation_of(world, 1)).parent
    shutil.copy(other / "per_query.parquet", folder / "per_query.parquet")
    [says] = explained(world, CELL).mismatches
    assert _matching("it says 50.0000, but its single queries average to 56.2500", [says])


def test_changed_weights_are_found(world):
    run = world.run("baseline", 1)
    (world.root / "runs" / run / "model.safetensors").write_bytes(b"other weights")
    [says] = explained(world, CELL).mismatches
    assert _matching(f"runs/{run}/model.safetensors was changed: run.json records the digest", [says])


def test_an_evaluation_of_another_run_is_found(world):
    world.edit(evaluation_of(world), setter("run", value=world.run("proposed", 0)))
    [says] = explained(world, CELL).mismatches
    assert _matching("is of another run: it names se_densenet-proposed", [says])


def test_a_changed_configuration_no_longer_fits_the_name(world):
    world.edit(f"runs/{world.run('baseline', 0)}/config.json", setter("optimizer", "lr", value=1.0))
    [says] = explained(world, CELL).mismatches
    assert _matching("config.json was changed: its digest is", [says])


@pytest.mark.parametrize("name", ["evaluation.json", "per_query.parquet"])
def test_a_missing_file_of_a_run_that_is_there_is_found(world, name):
    (world.root / evaluation_of(world)).with_name(name).unlink()
    assert any(name in says for says in explained(world, CELL).mismatches)


def test_what_is_not_here_is_unknown_and_not_wrong(world):
    shutil.rmtree(world.root / "runs")
    found = explained(world, CELL)
    assert found.mismatches == []
    unknown = [check.says for _, check in found.all_checks() if check.holds is None]
    assert _matching("the value cannot be computed again", unknown)
    assert len(_matching("so nothing of it can be checked", unknown)) == 2
    assert found.runs[0].config["optimizer"]  # the plan knows it


def test_a_plan_that_cannot_be_made_leaves_freshness_open(finished_world):
    def broken(preset):
        raise UserError(f"no preset {preset}")

    found = explain(CELL, broken, finished_world.root)
    assert (found.mismatches, found.checks[0].holds) == ([], None)
    assert "no preset demo" in found.checks[0].says


def test_a_run_that_params_ask_for_no_longer_says_what_changed(world):
    now = world.run("baseline", 0)
    config = world.plan.runs[now].config.model_dump(mode="json") | {"code": "an older one"}
    old = f"{now.rpartition('-')[0]}-0000000000"
    folder = world.root / "runs" / old
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    mismatches = explained(world, old).mismatches
    code = world.plan.runs[now].config.code
    assert f"stale: params/ (preset demo) asks for {now} now: code: an older one → {code}" in mismatches
    assert _matching("config.json was changed", mismatches)  # the name is made up


def test_a_run_shows_every_test_of_the_plan(finished_world):
    name = finished_world.run("proposed", 0)
    found = explained(finished_world, f"runs/{name}/model.safetensors")
    [facts] = found.runs
    assert (facts.run, found.mismatches) == (name, [])
    assert facts.experiments == finished_world.plan.runs[name].same
    assert facts.tested[0].values == {"mAP": 75, "mINP": 75, "R1": 100}


def test_a_failed_run_tells_its_error(world):
    folder = world.root / "runs" / world.run("baseline", 0)
    with (folder / "events.jsonl").open("a") as events:
        events.write('{"type": "end", "time": 14.0, "status": "FAILED", "error": "loss is not finite"}\n')
    facts = explained(world, CELL).runs[0]
    assert (facts.status, facts.error) == ("FAILED", "loss is not finite")


def test_a_claim_is_reached_again(finished_world):
    found = explained(finished_world, CLAIM)
    assert found.mismatches == []
    [pair] = found.claim.comparisons
    assert pair.difference == Decimal("15.625")  # 68.75 less 53.125
    names = [finished_world.run(e, s) for e in ("proposed", "baseline") for s in (0, 1)]
    assert [facts.run for facts in found.runs] == names


@pytest.mark.parametrize(
    ("path", "value"), [(("verdict",), "not reproduced"), (("comparisons", 0, "high"), 99.0)]
)
def test_a_changed_claim_is_found(world, path, value):
    def change(said):
        [claim] = [one for one in said["claims"] if one["id"] == "proposed-over-baseline"]
        setter(*path, value=value)(claim)

    world.edit(f"{CLAIMS}.json", change)
    [says] = explained(world, CLAIM).mismatches
    assert "but the per-query files give" in says


def test_a_stale_claim_is_not_reached_again(world):
    world.edit(f"{CLAIMS}.json", setter("digest", value="0" * 16))
    found = explained(world, CLAIM)
    assert [check.holds for check in found.checks] == [False, None]


def test_a_figure_names_its_runs(world):
    found = explained(world, f"{FIGURE}.png")
    assert found.mismatches == []
    assert {facts.run for facts in found.runs} == {run for runs in found.figure.runs.values() for run in runs}
    assert all(facts.tested for facts in found.runs)
    (world.root / f"{FIGURE}.pdf").unlink()
    assert explained(world, f"{FIGURE}.png").mismatches == [f"{FIGURE}.pdf is missing"]


@pytest.mark.parametrize("name", ["../../outside", "/etc", "a\x1b[2J"])
def test_a_report_that_names_no_run_leads_nowhere(world, name):
    world.edit(f"{TABLE}.json", setter(*CELL_OF_ONE, "runs", value=[name]))
    with pytest.raises(UserError, match="is no name of a run") as raised:
        explained(world, CELL)
    assert "\x1b" not in str(raised.value)


def test_a_record_that_cannot_be_a_runs_is_a_sentence(world):
    world.edit(f"runs/{world.run('baseline', 0)}/run.json", setter("seconds", value="long"))
    with pytest.raises(UserError, match=r"runs/se_densenet-baseline.* holds no usable seconds"):
        explained(world, CELL)


@pytest.mark.parametrize("tracking", ["", "[]", '{"runs": 3}', '{"runs": [3]}'])
def test_a_run_that_is_not_tracked_says_so(world, tracking):
    (world.root / "reports/tracking.json").write_text(tracking)
    assert [facts.tracked for facts in explained(world, CELL).runs] == [None, None]


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        (f"{CLAIMS}.json:proposed-over", "no claim 'proposed-over'.*did you mean"),
        (f"reports/all_tables.csv:{PAPER}/table9:1:mAP", "no table se_densenet/table9"),
        ("reports/tables/se_densenet/table9.csv:1:mAP", "table9.json cannot be read"),
        ("se_densenet-nothing-veri776-s0", "the plan has no run"),
    ],
)
def test_what_is_not_there_is_a_sentence(finished_world, target, sentence):
    with pytest.raises(UserError, match=sentence):
        explained(finished_world, target)


def _matching(pattern, sentences):
    return [says for says in sentences if re.search(pattern, says)]
