"""Which tables a job is made for."""

import json

from snakemake_logger_plugin_vreid.tables import TableFinder, name_tables, tables_by_run

PLAN = {
    "digest": "ab12",
    "tables": [
        {
            "paper": "se_densenet",
            "table": "table1",
            "rows": [
                {"row": 1, "cells": [{"status": "run", "runs": ["a-01", "b-02"]}] * 2},
                {"row": 2, "cells": [{"status": "cited", "runs": []}]},
            ],
        },
        {"paper": "dpa", "table": "table4", "rows": [{"cells": [{"runs": ["b-02"]}]}]},
    ],
}


def test_runs_know_their_tables():
    assert tables_by_run(PLAN) == {
        "a-01": ("se_densenet/table1",),
        "b-02": ("se_densenet/table1", "dpa/table4"),
    }


def test_other_documents_name_no_tables():
    for document in (None, [], "x", {"rows": []}, {"paper": 1, "table": 2, "rows": [{"runs": 3}]}):
        assert tables_by_run(document) == {}


def test_a_job_finds_them_through_the_plan_in_its_command(tmp_path):
    folder = tmp_path / ".vreid" / "plans"
    folder.mkdir(parents=True)
    plan = folder / "ab12.json"
    plan.write_text(json.dumps(PLAN))
    finder = TableFinder()
    for command in (f"vreid train --plan {plan} b-02", f"vreid train '--plan={plan}' b-02"):
        assert finder.tables_of({"run": "b-02"}, command) == ("se_densenet/table1", "dpa/table4")
    assert finder.tables_of({"run": "c-03"}, f"vreid train {plan}") == ()
    plan.unlink()  # read once
    assert finder.tables_of({"run": "a-01"}, f"vreid train {plan}") == ("se_densenet/table1",)


def test_a_table_names_itself_and_the_rest_stays_unknown(tmp_path):
    finder = TableFinder()
    assert finder.tables_of({"paper": "dpa", "table": "table4"}, None) == ("dpa/table4",)
    assert finder.tables_of({"run": "a-01"}, None) == ()
    assert finder.tables_of({"run": "a-01"}, f"x {tmp_path}/.vreid/plans/none.json") == ()
    broken = tmp_path / ".vreid" / "plans" / "broken.json"
    broken.parent.mkdir(parents=True)
    broken.write_text("{")
    assert finder.tables_of({"run": "a-01"}, f"x {broken}") == ()


def test_a_paper_is_named_once():
    assert name_tables(["dpa/table1", "dpa/table2", "spectral/table1"]) == (
        "dpa/table1, table2, spectral/table1"
    )
    assert name_tables([f"dpa/table{i}" for i in range(6)]).endswith("table3, 2 more")
