"""`vreid explain`: where a number of the reports comes from, and whether it still stands."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from vreid.cli.options import PlanFile, Preset, the_plan

if TYPE_CHECKING:
    from vreid.params.plan import Plan


def explain(
    target: Annotated[str, typer.Argument(metavar="TARGET", help="A cell, a claim, a figure or a run.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    plan: PlanFile = None,
    preset: Preset = None,
) -> None:
    """Walk a number back to runs, configuration, data, code, environment and MLflow, and check each step.

    TARGET is one of

    * `reports/tables/PAPER/TABLE.csv:ROW:COLUMN`: a cell. ROW is its running number from 1, or a part of its
      label that no other row has. COLUMN is a metric or a label; where several columns share it, put dataset,
      protocol or variant before it: `vehicleid/mAP`. The .json, .md and .tex name the same table.
    * `reports/all_tables.csv:PAPER/TABLE:ROW:COLUMN`: the same cell on the page of all tables.
    * `reports/claims/PAPER.json:CLAIM-ID`: a claim and the verdict on it.
    * `reports/figures/PAPER/FIGURE.png`: a figure.
    * the name of a run; its digest may be left out where one run alone is called so.

    The preset is the report's own. Nothing is written. Checked are: the digest that the report records
    against what params/ and the code ask for now; the paper's value against params/; the files of a table
    against each other; our value against the evaluations and these against their single queries; a verdict
    with its interval; the run's name against its configuration. Exit status 1: something does not agree.
    """
    from vreid.reporting.explaining.explain import explain as walk_back

    def planner(of_report: str | None) -> "Plan":
        return the_plan(plan, preset or of_report)

    found = walk_back(target, planner)
    if as_json:
        value = {"agrees": not found.mismatches, **found.model_dump(mode="json")}
        typer.echo(json.dumps(value, indent=1, ensure_ascii=False))
    else:
        from vreid.cli.console import on_console
        from vreid.reporting.explaining.text import show

        on_console(lambda console: show(found, console))
    if found.mismatches:
        raise typer.Exit(1)
