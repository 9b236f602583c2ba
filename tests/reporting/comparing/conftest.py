"""Two small states of the reports, written by hand."""

import json
from decimal import Decimal

import pytest
from tests.reporting.conftest import column

from vreid.reporting.cells import Cell
from vreid.reporting.records import Row, Table, as_json
from vreid.reporting.statements import Claim, Comparison, Side, Statements


def cell(*values, paper=None, status=None, reason=None):
    """A cell of ours with one value (a string) for each seed; none of a row that was not run."""
    return Cell(
        paper=None if paper is None else Decimal(paper),
        values=tuple(map(Decimal, values)),
        status=status or ("run" if values else "failed"),
        reason=reason,
    )


def row(number, label, *cells, experiment=None, cited_from=None, text=()):
    return Row(
        row=number,
        label=label,
        text=text,
        kind="own" if cited_from is None else "cited",
        cited_from=cited_from,
        experiment=experiment or (label.lower() if cited_from is None else None),
        cells=cells,
    )


def quoted(*papers):
    return tuple(Cell(paper=None if paper is None else Decimal(paper), status="cited") for paper in papers)


MADE = {
    "citation": "Zhang et al.",
    "digest": "feed",
    "preset": "demo",
    "preset_label": "a few epochs",
    "source": "synthetic",
    "seeds": (0, 1),
}


def table(*rows, columns=None, name="table1", recipe=("input.height: 64 (paper: 256)",), **changes):
    fields = MADE | {
        "paper": "se_densenet",
        "table": name,
        "title": "Table 1",
        "caption": "Ablation",
        "recipe": recipe,
        "text_columns": (),
        "columns": tuple(columns or (column("mAP"), column("R1", "Rank-1"))),
        "rows": rows,
        "baselines": (),
    }
    return Table(**fields | changes)


def claim(name, verdict, *gaps, says="It helps.", reason="why", paper="1.5"):
    """A claim with one comparison for each (difference, low, high)."""
    side = Side(label="a", metric="mAP", dataset="veri776", protocol="veri776", runs=("r",), seeds=2, value=1)
    comparisons = tuple(
        Comparison(
            better=side,
            worse=side,
            paper=Decimal(paper),
            difference=None if gap is None else Decimal(gap[0]),
            low=None if gap is None else Decimal(gap[1]),
            high=None if gap is None else Decimal(gap[2]),
            verdict=verdict,
            reason=reason,
        )
        for gap in gaps
    )
    return Claim(
        id=name,
        says=says,
        where="sec. 4",
        metric="mAP",
        kind="pairs",
        comparisons=comparisons,
        verdict=verdict,
        reason=reason,
    )


def statements(*claims, **changes):
    fields = MADE | {
        "paper": "se_densenet",
        "title": "A model",
        "shortened": True,
        "claims": claims,
        "inconsistencies": (),
        "deviations": (),
    }
    return Statements(**fields | changes)


def write_state(folder, tables, said=()):
    """Write reports as the pipeline lays them out."""
    for one in tables:
        path = folder / "tables" / one.paper / f"{one.table}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(as_json(one))
    for one in said:
        path = folder / "claims" / f"{one.paper}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(one.model_dump_json())
    return folder


def write_pages(folder, tables, said):
    """Write the same as the two pages alone, as a committed reference holds them."""
    folder.mkdir(parents=True, exist_ok=True)
    page = {"digest": "d", "title": "All", "tables": [json.loads(as_json(one)) for one in tables]}
    (folder / "all_tables.json").write_text(json.dumps(page))
    page = {"digest": "d", "title": "All", "claims": [one.model_dump(mode="json") for one in said]}
    (folder / "claims.json").write_text(json.dumps(page))
    return folder


@pytest.fixture
def before():
    """Means: baseline mAP 60.5 (sd 0.7071), Rank-1 70; ours mAP 66 (one seed), Rank-1 failed."""
    return table(
        row(1, "Baseline", cell("60", "61", paper="68.5"), cell("70", "70", paper="92.5")),
        row(2, "Ours", cell("66", paper="75.5"), cell(paper="94.8", reason="failed; loss is not finite")),
        row(3, "Quoted", *quoted("79.5", None), cited_from="[23]"),
    )


@pytest.fixture
def after():
    """Means: baseline mAP 61.5 (sd 0.7071), Rank-1 72 (sd 0); ours mAP 65 (one seed), Rank-1 80."""
    return table(
        row(1, "Baseline", cell("61", "62", paper="68.5"), cell("72", "72", paper="92.5")),
        row(2, "Ours", cell("65", paper="75.5"), cell("80", paper="94.8")),
        row(3, "Quoted", *quoted("79.6", None), cited_from="[23]"),
    )
