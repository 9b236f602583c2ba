"""A page of everything in small: what can be missing in tables, hostile words, claims, an audit, a figure."""

import json
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest
from PIL import Image
from tests.reporting.conftest import (
    cited_row,
    claim,
    claims_plan,
    evaluation,
    own_row,
    side,
    table_plan,
    write_evaluation,
    write_per_query,
)
from tests.reporting.site.tree import Element, parse

from vreid.params.plan import BaselinePlan, CellPlan, DeviationPlan, InconsistencyPlan, PagePlan, RowPlan
from vreid.reporting.claims import write_claims
from vreid.reporting.site.build import write_site
from vreid.reporting.tables import write_table

HOSTILE = """</script><img src=x onerror="alert(1)">'"&amp;<!-- [[_`|*"""
BASELINE = ["se_densenet-baseline-veri776-s0-aaaaaaaaa0", "se_densenet-baseline-veri776-s1-aaaaaaaaa1"]
PROPOSED = ["se_densenet-proposed-veri776-s0-bbbbbbbbb0", "se_densenet-proposed-veri776-s1-bbbbbbbbb1"]
BASELINES = "data/baselines/synthetic/veri776-1.json"
PARTS = (
    "tables/se_densenet/table1",
    "tables/se_densenet/table2",
    "figures/se_densenet/figure6",
    "claims/se_densenet",
    f"audits/{PROPOSED[0]}/audit",
    "tables/dpa/table3",
)
RULES = {"feature": "after_neck", "distance": "cosine"}
AUDIT = {
    "digest": "a1",
    "run": PROPOSED[0],
    "protocol": "veri776",
    "note": "rendered stand-in; synthetic data",
    "paper": {},
    "variants": [
        {"settings": RULES, "mAP": 0.6605, "R1": 0.8},
        {"settings": RULES | {"distance": "euclidean"}, "mAP": 0.6705, "R1": 0.75},
        {"settings": {"feature": "before_neck", "distance": "euclidean"}, "mAP": 0.1, "R1": 0.1},
    ],
    "left_out": ["feature before_neck: not extracted"],
}
FIGURE = {
    "paper": "se_densenet",
    "figure": "figure6",
    "title": "Figure 6",
    "caption": f"mAP {HOSTILE}",
    "citation": "Zhang et al.: A model. CMC, 2021",
    "preset": "demo",
    "preset_label": "rendered stand-in, 12 of 120 epochs",
    "source": "synthetic",
    "seeds": [0, 1],
    "digest": "f1",
    "notes": ["Points: means over seeds."],
}


@dataclass
class Site:
    """The page that was made of `root`."""

    root: Path

    @property
    def html(self) -> Path:
        return self.root / "reports/index.html"

    @cached_property
    def text(self) -> str:
        return self.html.read_text(encoding="utf-8")

    @cached_property
    def page(self) -> Element:
        return parse(self.text)

    def json(self, report: str) -> dict:
        return json.loads((self.root / f"reports/{report}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> Site:
    """Made once; who changes it takes `site`."""
    root = tmp_path_factory.mktemp("site")
    reports = root / "reports"
    _write_results(root)
    for table in (_whole(), _lacking(), _whole(paper="dpa", table="table3", caption="Other")):
        write_table(table, reports / "tables" / table.paper, root)
    _write(reports / "figures/se_densenet/figure6.json", FIGURE)
    Image.new("RGB", (40, 30), (10, 120, 200)).save(reports / "figures/se_densenet/figure6.png")
    _write(reports / f"audits/{PROPOSED[0]}/audit.json", AUDIT)
    Image.new("RGB", (20, 10)).save(reports / f"audits/{PROPOSED[0]}/audit.png")
    write_claims(_claims(root), reports / "claims", root)
    _write(reports / "tracking.json", _tracking())
    _write_history(root / "runs" / BASELINE[0])
    evaluations = {BASELINE[0]: f"runs/{BASELINE[0]}/eval-0123abcd"}
    title = "Papers, regenerated"
    write_site(PagePlan(title=title, parts=PARTS, digest="d1"), evaluations, reports / "index", root)
    return Site(root)


@pytest.fixture
def site(made, tmp_path) -> Site:
    return Site(Path(shutil.copytree(made.root, tmp_path / "site")))


def _write_results(root):
    """Two seeds of the baseline; one of the proposed method, whose other failed; chance."""
    results = [(BASELINE[0], 0.6025, 0.70), (BASELINE[1], 0.6125, 0.75), (PROPOSED[0], 0.6605, 0.80)]
    for run, mean_ap, first in results:
        write_evaluation(root, run, {"veri776": evaluation(mAP=mean_ap, cmc=[first, 0.9])})
    failed = root / "runs" / PROPOSED[1]
    failed.mkdir()
    events = [
        {"type": "start", "time": 1.0},
        {"type": "end", "time": 2.0, "status": "FAILED", "error": "Trace\nloss is not finite"},
    ]
    (failed / "events.jsonl").write_text("\n".join(map(json.dumps, events)))
    chance = {"queries": 8, "gallery": 24, "chance": {"mAP": 0.0415, "R1": 0.03}}
    _write(root / BASELINES, {"protocols": {"veri776": chance}})


def _whole(**changes):
    """Baseline with two seeds, proposed with one of two, and a cited row."""
    files = [[f"runs/{run}/eval-0123abcd/evaluation.json" for run in runs] for runs in (BASELINE, PROPOSED)]
    return table_plan(
        [
            own_row(1, "Baseline", (68.5, 92.5), tuple(BASELINE), tuple(files[0]), ("DenseNet",)),
            own_row(2, "Proposed", (75.5, 94.8), tuple(PROPOSED), tuple(files[1]), ("169",)),
            cited_row(3, "A|B_c & 5%", (79.5, None), "[23]", ("",)),
        ],
        text_columns=("Backbone",),
        baselines=(BaselinePlan(dataset="veri776", protocol="veri776", file=BASELINES),),
        **{"caption": f"Analysis {HOSTILE}"} | changes,
    )


def _lacking():
    """A row of each reason for which nothing is there; many rows to be sorted."""
    left_out = RowPlan(
        row=4,
        label="Left out",
        text=(),
        kind="own",
        cited_from=None,
        paper=(50.0, None),
        experiment="left_out",
        cells=(CellPlan(status="not in this preset"), CellPlan(status="dataset absent")),
    )
    files = [f"runs/{run}/eval-0123abcd/evaluation.json" for run in BASELINE]
    gone = "se_densenet-gone-veri776-s0-cccccccccc"
    return table_plan(
        [
            own_row(1, f"A {HOSTILE}", (68.5, 92.5), tuple(BASELINE), tuple(files)),
            cited_row(2, "B", (9.75, None), "[23]"),
            own_row(3, "C", (100.0, 94.8), (gone,), (f"runs/{gone}/eval-0123abcd/evaluation.json",)),
            left_out,
        ],
        table="table2",
        title="Table 2",
        recipe=("input.height: 64 (paper: 256)", "epochs: 12 (paper: 120)"),
    )


def _claims(root):
    files = {
        name: [write_per_query(root, f"p-{name}-d-s{s}-0", ap, [1, 2, 3]) for s in range(2)]
        for name, ap in (("a", [0.9] * 3), ("b", [0.5] * 3), ("c", [0.1, 0.6, 0.95]))
    }
    a, b, c = (side(name.upper(), files[name]) for name in "abc")
    several = claim((a, b, 1.5), (a, c, None), name="several", says=f"It is ahead {HOSTILE}.", kind="best")
    return claims_plan(
        [claim((a, b, 1.5)), several],
        inconsistencies=(
            InconsistencyPlan(
                id="i", where="Tab. 1", says="1 and 2", check="1 == 2", holds=False, shown="1 == 2"
            ),
        ),
        deviations=(
            DeviationPlan(
                key="optimizer.lr", where=None, printed="", taken="3", because="why", alternatives=("fast",)
            ),
        ),
    )


def _tracking():
    runs = [{"run": BASELINE[0], "mlflow_run_id": "0f" * 16, "status": "FINISHED"}]
    return {"digest": "t", "uri": "sqlite:///mlflow.db", "runs": runs}


def _write_history(folder):
    events = [
        {"type": "start", "time": 1_700_000_000.0, "device": "cpu", "config": {"input": {"height": 64}}},
        {"type": "metrics", "time": 1_700_000_001.0, "epoch": 1, "values": {"loss": 4.5}},
        {"type": "metrics", "time": 1_700_000_002.0, "epoch": 2, "values": {"loss": 2.25}},
        {"type": "end", "time": 1_700_000_003.0, "status": "FINISHED"},
    ]
    events[0]["config"]["words"] = HOSTILE
    (folder / "events.jsonl").write_text("\n".join(map(json.dumps, events)), encoding="utf-8")
    about = {"git_commit": "c0ffee", "torch": "2.11.0", "seconds": 2.5, "parameters": 1234567}
    _write(folder / "run.json", about | {"peak_memory": 3 * 2**20})


def _write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")
