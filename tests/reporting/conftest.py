"""A small world of plans and evaluations, written by hand."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vreid.params.plan import (
    BaselinePlan,
    CellPlan,
    ClaimPlan,
    ClaimsPlan,
    ColumnPlan,
    PairPlan,
    RowPlan,
    SidePlan,
    TablePlan,
)

CMC = [0.5, 0.625, 0.75, 0.75, 0.875]


def evaluation(**metrics):
    """Results of one protocol as evaluation.json holds them; a metric is a fraction."""
    return {"queries": 8, "valid_queries": 8, "gallery": 24, "trials": 1, "cmc": CMC} | metrics


def write_evaluation(root, run, protocols, *, digest="0123abcd"):
    path = root / "runs" / run / f"eval-{digest}" / "evaluation.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"run": run, "feature": "after_neck", "distance": "cosine", "protocols": protocols}
    path.write_text(json.dumps(content))
    return path.relative_to(root).as_posix()


def own_row(number, label, paper, runs, evaluations, text=()):
    cell = CellPlan(status="run", runs=runs, evaluations=evaluations)
    return RowPlan(
        row=number,
        label=label,
        text=text,
        kind="own",
        cited_from=None,
        paper=paper,
        experiment=label.lower(),
        cells=(cell,) * len(paper),
    )


def cited_row(number, label, paper, source, text=()):
    return RowPlan(
        row=number,
        label=label,
        text=text,
        kind="cited",
        cited_from=source,
        paper=paper,
        experiment=None,
        cells=(CellPlan(status="cited"),) * len(paper),
    )


def column(metric, label=None, protocol="veri776", **changes):
    fields = {"metric": metric, "label": label or metric, "dataset": "veri776", "protocol": protocol}
    return ColumnPlan(**fields | changes)


def table_plan(rows, columns=None, **changes):
    fields = {
        "paper": "se_densenet",
        "table": "table1",
        "title": "Table 1",
        "caption": "Qualitative analysis",
        "citation": "Zhang et al.: A model. CMC, 2021",
        "preset": "demo",
        "preset_label": "rendered stand-in, 12 of 120 epochs",
        "source": "synthetic",
        "seeds": (0, 1),
        "recipe": ("input.height: 64 (paper: 256)",),
        "text_columns": (),
        "columns": tuple(columns or (column("mAP"), column("R1", "Rank-1"))),
        "rows": tuple(rows),
        "baselines": (),
        "digest": "feed",
    }
    return TablePlan(**fields | changes)


PER_QUERY_PROTOCOL = "veri776"


def write_per_query(root, run, ap, ids, *, rows=None, protocol=PER_QUERY_PROTOCOL, digest="0123abcd"):
    """Write the average precision of each query, and return the file's name below `root`.

    Args:
        root: of the pipeline.
        run: its name.
        ap: (Q,) fractions; None where a query has no match.
        ids: (Q,) the vehicle of each.
        rows: (Q,) what the queries are called; 0, 1, … by default.
        protocol: by name.
        digest: of the evaluation.
    """
    path = root / "runs" / run / f"eval-{digest}" / "per_query.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    valid = [value is not None for value in ap]
    table = pa.table(
        {
            "protocol": [protocol] * len(ap),
            "trial": pa.array([0] * len(ap), pa.int32()),
            "query_row": list(range(len(ap)) if rows is None else rows),
            "pid": list(ids),
            "AP": pa.array(ap, pa.float64()),
            "AP_trapezoid": pa.array(ap, pa.float64()),
            "INP": pa.array(ap, pa.float64()),
            "first_match_rank": pa.array([1 if there else None for there in valid], pa.int64()),
            "matches": pa.array([int(there) for there in valid], pa.int64()),
        }
    )
    pq.write_table(table, path)
    return path.relative_to(root).as_posix()


def side(label, files, *, minus=None, status="run", protocol=PER_QUERY_PROTOCOL, runs=None):
    names = tuple(file.split("/")[1] for file in files) if runs is None else runs
    return SidePlan(
        label=label,
        metric="mAP",
        dataset="veri776",
        protocol=protocol,
        status=status,
        runs=names,
        per_query=tuple(files),
        minus=minus,
    )


def claim(*pairs, kind="pairs", name="gain", says="It helps."):
    plans = tuple(PairPlan(better=better, worse=worse, paper=paper) for better, worse, paper in pairs)
    return ClaimPlan(id=name, says=says, where="sec. 4.3", metric="mAP", kind=kind, pairs=plans)


def claims_plan(claims, **changes):
    fields = {
        "paper": "se_densenet",
        "title": "A model",
        "citation": "Zhang et al.: A model. CMC, 2021",
        "preset": "demo",
        "preset_label": "rendered stand-in, 12 of 120 epochs",
        "source": "synthetic",
        "seeds": (0, 1),
        "shortened": True,
        "claims": tuple(claims),
        "inconsistencies": (),
        "deviations": (),
        "digest": "c1a1",
    }
    return ClaimsPlan(**fields | changes)


@pytest.fixture
def root(tmp_path) -> Path:
    """A pipeline's root with two seeds of `baseline`, one of two of `proposed`, and baselines.

    In percent: baseline mAP 60.25 and 61.25, R1 70 and 75; proposed mAP 66.05, R1 80.
    """
    for seed, (mean_ap, first) in enumerate([(0.6025, 0.70), (0.6125, 0.75)]):
        results = evaluation(mAP=mean_ap, cmc=[first, *CMC[1:]])
        write_evaluation(
            tmp_path, f"se_densenet-baseline-veri776-s{seed}-aaaaaaaaa{seed}", {"veri776": results}
        )
    results = evaluation(mAP=0.6605, cmc=[0.80, 0.9])
    write_evaluation(tmp_path, "se_densenet-proposed-veri776-s0-bbbbbbbbb0", {"veri776": results})
    failed = tmp_path / "runs" / "se_densenet-proposed-veri776-s1-bbbbbbbbb1"
    failed.mkdir()
    (failed / "events.jsonl").write_text(
        '{"type": "start", "time": 1.0}\n{"type": "metrics", "ti\n'
        '{"type": "end", "time": 2.0, "status": "FAILED", "error": "Trace\\nloss is not finite"}\n'
    )
    baselines = {
        "queries": 8,
        "gallery": 24,
        "chance": {"mAP": 0.0415, "R1": 0.03},
        "colour_histogram": {"mAP": 0.2, "mINP": 0.1, "cmc": CMC},
    }
    path = tmp_path / "data/baselines/synthetic/veri776-1.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"protocols": {"veri776": baselines}}))
    return tmp_path


@pytest.fixture
def plan() -> TablePlan:
    """Two own rows, one whole and one with a failed seed, and a cited one."""
    base = [f"se_densenet-baseline-veri776-s{s}-aaaaaaaaa{s}" for s in (0, 1)]
    proposed = [f"se_densenet-proposed-veri776-s{s}-bbbbbbbbb{s}" for s in (0, 1)]
    files = [[f"runs/{run}/eval-0123abcd/evaluation.json" for run in runs] for runs in (base, proposed)]
    baseline_file = BaselinePlan(
        dataset="veri776", protocol="veri776", file="data/baselines/synthetic/veri776-1.json"
    )
    return table_plan(
        [
            own_row(1, "Baseline", (68.5, 92.5), tuple(base), tuple(files[0]), ("DenseNet",)),
            own_row(2, "Proposed", (75.5, 94.8), tuple(proposed), tuple(files[1]), ("DenseNet",)),
            cited_row(3, "A|B_c & 5%", (79.5, None), "[23]", ("",)),
        ],
        text_columns=("Backbone",),
        baselines=(baseline_file,),
    )
