"""A page of tables, as all_tables or one paper's: made of the tables' JSON, in the plan's order."""

import json
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from vreid.params.atomic import write_text
from vreid.params.plan import PagePlan
from vreid.reporting.formats import latex, markdown, tidy
from vreid.reporting.records import Table, as_json, read_table


def write_page(plan: PagePlan, out: Path, reports: Path = Path("reports")) -> None:
    """Write the page's tables to `out` with the suffixes .md, .tex, .csv and .json.

    `plan.parts` are read as `reports`/<part>.json. The JSON holds the plan's digest.

    Raises:
        UserError: If a table's JSON is missing or is not a table.
    """
    tables = [read_table(reports / f"{part}.json") for part in plan.parts]
    papers = [list(group) for _, group in groupby(tables, key=lambda table: table.paper)]
    parts = [(group[0].citation, group) for group in papers]
    write_text(out.with_suffix(".tex"), latex.collection(plan.title, parts))
    write_text(out.with_suffix(".csv"), tidy.text(tables))
    write_text(out.with_suffix(".json"), _json(plan, tables))
    write_text(out.with_suffix(".md"), _markdown(plan, papers))


def _json(plan: PagePlan, tables: Sequence[Table]) -> str:
    entries = [json.loads(as_json(table)) for table in tables]
    value = {"digest": plan.digest, "title": plan.title, "tables": entries}
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _markdown(plan: PagePlan, papers: Sequence[list[Table]]) -> str:
    contents = [line for tables in papers for line in _contents(tables)]
    sections = [block for tables in papers for block in _section(tables, plan.title)]
    title = f"# {markdown.escape(plan.title)}"
    return "\n\n".join([title, _summary(papers), "\n".join(contents), *sections]) + "\n"


def _summary(papers: Sequence[list[Table]]) -> str:
    """Say how much the page holds, and on which data it was made."""
    tables = [table for group in papers for table in group]
    runs = {run for table in tables for run in table.runs()}
    counts = [_count(len(papers), "paper"), _count(len(tables), "table"), _count(len(runs), "run")]
    made = dict.fromkeys(f"{t.source} data; preset {t.preset} ({t.preset_label})" for t in tables)
    return f"{', '.join(counts)}. **{markdown.escape('; '.join(made))}.**"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _contents(tables: list[Table]) -> list[str]:
    paper = tables[0].paper
    return [
        f"- [{markdown.escape(paper)}](#{paper})",
        *(f"  - [{_title(table)}](#{_anchor(table)})" for table in tables),
    ]


def _section(tables: list[Table], title: str) -> list[str]:
    """Return a paper's name, its citation if that is not the page's title already, its tables."""
    first = tables[0]
    return [
        f'<a id="{first.paper}"></a>\n\n## {markdown.escape(first.paper)}',
        *([markdown.escape(first.citation)] if first.citation != title else []),
        *(f'<a id="{_anchor(t)}"></a>\n\n{markdown.section(t, level=3)}' for t in tables),
    ]


def _title(table: Table) -> str:
    return markdown.escape(f"{table.title}: {table.caption}")


def _anchor(table: Table) -> str:
    return f"{table.paper}-{table.table}"
