"""A small world of plans and evaluations, written by hand."""

import json
from pathlib import Path

import pytest

from vreid.params.plan import BaselinePlan, CellPlan, ColumnPlan, RowPlan, TablePlan

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


def column(metric, label=None, protocol="veri776"):
    return ColumnPlan(metric=metric, label=label or metric, dataset="veri776", protocol=protocol)


def table_plan(rows, columns=None, **changes):
    fields = {
        "paper": "se_densenet",
        "table": "table1",
        "title": "Table 1",
        "caption": "Qualitative analysis",
        "citation": "Zhang et al.: A model. CMC, 2021",
        "preset": "demo",
        "preset_label": "demo: rendered stand-in, 12 of 120 epochs",
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
