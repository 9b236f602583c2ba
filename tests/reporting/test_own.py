"""The report of one run, from files written by hand."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from vreid.datasets.index import SCHEMA, index_writer
from vreid.datasets.split import SCHEMA as SPLITS
from vreid.params.dataset import ByHand, DatasetSpec, Protocol
from vreid.params.plan import DatasetPlan, PagePlan, Plan, RunPlan, TestPlan
from vreid.params.run import TrainConfig
from vreid.reporting.own import write_run_report

RUN = "se_densenet-proposed-street-s0-0123456789"

CONFIG = {
    "dataset": "street",
    "source": "real",
    "data": "street-0a0a0a0a",
    "code": "c0de",
    "seed": 0,
    "input": {"height": 64, "width": 64},
    "model": {
        "name": "se_densenet",
        "backbone": {"name": "densenet121", "width": 0.25, "weights": None},
        "se": True,
        "mid_features": True,
    },
    "losses": [{"name": "triplet", "margin": 0.3}],
    "sampler": {"name": "pk", "ids": 2, "images_per_id": 2},
    "optimizer": {"name": "adam", "lr": 0.001},
    "schedule": {"name": "cosine", "epochs": 3},
    "augment": [{"name": "flip"}],
}

# Vehicles 1 and 2 train; 3, 4 and 5 are asked for by camera 1, 3 and 4 stand in the gallery by camera 2.
PIDS = [1, 1, 2, 3, 4, 5, 3, 4]
SPLIT = ["train"] * 3 + ["query"] * 3 + ["gallery"] * 2


@pytest.fixture
def plan(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _write_data()
    _write_run()
    protocol = Protocol(name="own", form="given", junk="same_camera")
    spec = DatasetSpec(
        title="Street",
        citation="own pictures",
        terms="own pictures",
        acquire=ByHand(kind="by_hand"),
        adapter="own_table",
        table="table.csv",
        protocols=(protocol,),
    )
    dataset = DatasetPlan(
        name="street",
        source="real",
        present=True,
        raw="raw",
        version="street-0a0a0a0a",
        spec=spec,
        index="index.parquet",
        splits="splits.parquet",
        protocols=("own",),
        packs=(),
        darkened=None,
    )
    test = TestPlan(
        test={"feature": "after_neck", "distance": "cosine"},
        protocols=("own",),
        pack="pack",
        features=f"runs/{RUN}/features",
        evaluation=f"runs/{RUN}/eval-00000000",
    )
    run = RunPlan(
        name=RUN,
        paper="se_densenet",
        experiment="proposed",
        same=("se_densenet/proposed",),
        config=TrainConfig.model_validate_json(json.dumps(CONFIG)),
        pack="pack",
        tests=(test,),
        baselines="baselines.json",
        report="0123",
        audit="4567",
    )
    return Plan(
        preset="try",
        preset_label="own pictures (street)",
        datasets={"street": dataset},
        runs={RUN: run},
        tables={},
        figures={},
        claims={},
        pages={},
        site=PagePlan(title="", parts=(), digest=""),
        audits=(),
        tracking="",
    )


def _write_data():
    Path("raw").mkdir()
    for row in range(8):
        Image.new("RGB", (30, 20), (30 * row, 0, 0)).save(f"raw/{row}.png")
    columns = {
        "path": [f"{row}.png" for row in range(8)],
        "pid": PIDS,
        "camid": [1] * 6 + [2] * 2,
        "split": SPLIT,
        "lists": [[]] * 8,
        "spectra": [[]] * 8,
        "width": [30] * 8,
        "height": [20] * 8,
        "digest": [""] * 8,
    }
    with index_writer(Path("index.parquet")) as writer:
        writer.write_table(pa.table(columns, schema=SCHEMA))
    splits = [{"protocol": "own", "trial": 0, "role": SPLIT[row], "row": row} for row in range(3, 8)]
    pq.write_table(pa.Table.from_pylist(splits, schema=SPLITS), "splits.parquet")


def _write_run():
    folder = Path("runs") / RUN
    evaluation = folder / "eval-00000000"
    evaluation.mkdir(parents=True)
    # Vehicle 3 is found at rank 1, vehicle 4 at rank 2, vehicle 5 is not there: mAP (1 + 1/2) / 2, R1 1/2.
    results = {
        "trials": 1,
        "queries": 3,
        "valid_queries": 2,
        "gallery": 2,
        "mAP": 0.75,
        "mINP": 0.75,
        "cmc": [0.5] + [1.0] * 49,
    }
    (evaluation / "evaluation.json").write_text(json.dumps({"protocols": {"own": results}}))
    per_query = {
        "protocol": ["own"] * 3,
        "trial": [0] * 3,
        "query_row": [3, 4, 5],
        "pid": [3, 4, 5],
        "AP": [1.0, 0.5, None],
        "INP": [1.0, 0.5, None],
        "first_match_rank": [1, 2, None],
        "matches": [1, 1, 0],
    }
    pq.write_table(pa.table(per_query), evaluation / "per_query.parquet")
    untrained = {
        "queries": 3,
        "gallery": 2,
        "chance": {"mAP": 0.75, "R1": 0.5, "mINP": 0.75},
        "colour_histogram": {"mAP": 0.6, "mINP": 0.6, "cmc": [0.4] * 50},
    }
    Path("baselines.json").write_text(json.dumps({"protocols": {"own": untrained}}))
    (folder / "features").mkdir()
    # Query 3 sees 6 then 7, query 4 sees 6 before its own 7.
    features = np.array([[1, 0], [1, 0.2], [0, 1], [1, 0.1], [0, 1]], np.float32)
    np.save(folder / "features" / "after_neck.npy", features)
    np.save(folder / "features" / "rows.npy", np.arange(3, 8))
    start = {"type": "start", "time": 1.0, "config": CONFIG, "device": "cpu"}
    (folder / "events.jsonl").write_text(json.dumps(start) + "\n")
    (folder / "run.json").write_text(json.dumps({"parameters": 1234567, "seconds": 12.6}))


def test_the_report_counts_and_compares(plan):
    report = write_run_report(plan, plan.run(RUN), Path("out"))
    assert (report.train.images, report.train.vehicles) == (3, 2)
    assert (report.test.images, report.test.vehicles) == (5, 3)
    [own] = report.protocols
    assert (own.queries, own.valid_queries, own.gallery, own.vehicles) == (3, 2, 2, 2)
    assert own.metrics == {"mAP": 0.75, "mINP": 0.75, "R1": 0.5, "R5": 1.0, "R10": 1.0}
    # Two vehicles of AP 1 and 1/2: half of all draws take one of them twice.
    assert own.intervals["mAP"] == (0.5, 1.0)
    assert own.intervals["R5"] == (1.0, 1.0)
    assert list(own.baselines) == ["chance", "colour_histogram"]
    assert json.loads(Path(f"out/{RUN}.json").read_text())["protocols"][0]["intervals"]["mAP"] == [0.5, 1.0]


def test_the_page_says_what_one_has_to_know(plan):
    write_run_report(plan, plan.run(RUN), Path("out"))
    text = Path(f"out/{RUN}.md").read_text()
    assert text.startswith("# se\\_densenet/proposed on street\n")
    assert "**Real data; preset try (own pictures (street)); seed 0.** Trained for 3 epochs on 3" in text
    assert "| method | mAP | mINP | R1 | R5 | R10 |" in text
    assert r"| **proposed** | **75.0** \[50.0, 100.0] |" in text
    assert "| *chance* | 75.0 | 75.0 | 50.0 | -- | -- |" in text
    assert "| *colour histogram* | 60.0 | 60.0 | 40.0 | 40.0 | 40.0 |" in text
    assert "2 queries of 2 vehicles among 2 gallery images" in text
    assert "moves R1 by 50.0 points" in text
    assert "own: 1 query has no match in the gallery, and no part in any number." in text
    assert (
        "colour histograms reach 60.0 mAP without any training, which lies within this run's interval" in text
    )
    assert "1,234,567 parameters; 13 s of training" in text
    assert "| losses.triplet.margin | 0.3 |" in text
    assert f"![Rank-10 lists]({RUN}.png)" in text


def test_the_figure_shows_the_queries_with_a_match(plan):
    write_run_report(plan, plan.run(RUN), Path("out"))
    figure = Image.open(f"out/{RUN}.png")
    assert figure.format == "PNG"
    # Two lists of two finds beside their query: three tiles wide.
    assert figure.width == 16 + 3 * 104


def test_the_pairs_of_the_first_protocol_are_measured(plan):
    """Cosines: 3-6 1/sqrt(1.01), 4-7 0.2/sqrt(1.04); others 3-7 0, 4-6 1.02/sqrt(1.04 * 1.01).

    Query 5 has no match. From 3-6 on, one of two is missed and one of two taken wrongly.
    """
    report = write_run_report(plan, plan.run(RUN), Path("out"))
    overlap = report.similarities["overlap"]
    assert overlap["median"] == pytest.approx(0.2 / 1.04**0.5)
    assert overlap["threshold"] == pytest.approx(1 / 1.01**0.5)
    assert [overlap[name] for name in ("above_median", "accepted", "refused")] == [0.5, 0.5, 0.5]
    assert json.loads(Path(f"out/{RUN}.json").read_text())["similarities"] == report.similarities
    text = Path(f"out/{RUN}.md").read_text()
    assert f"![Similarities of pairs]({RUN}.similarities.png)" in text
    assert "50.0 % of the 2 pairs of different vehicles are more similar than the median of the 2" in text
    assert "under own; left out, as above: gallery images with the query's identity and the query's" in text
    assert Image.open(f"out/{RUN}.similarities.png").format == "PNG"


def test_the_second_figure_says_what_it_is_made_of(plan, monkeypatch):
    said = []
    monkeypatch.setattr("vreid.reporting.figures.style.sign", lambda figure, made: said.append(made))
    rendered = plan.run(RUN).config.model_copy(update={"source": "synthetic"})
    write_run_report(plan, plan.run(RUN).model_copy(update={"config": rendered}), Path("out"))
    assert said == ["synthetic data, preset try: own pictures (street); seed 0"]


def test_pictures_by_one_camera_leave_nothing_to_compare(plan):
    table = pq.read_table("index.parquet")
    place = table.column_names.index("camid")
    pq.write_table(table.set_column(place, table.schema.field("camid"), [[1] * 8]), "index.parquet")
    report = write_run_report(plan, plan.run(RUN), Path("out"))
    assert report.similarities["overlap"] is None
    assert "there is no pair to measure." in Path(f"out/{RUN}.md").read_text()


def test_writing_again_gives_the_same_bytes(plan):
    for folder in (Path("one"), Path("two")):
        write_run_report(plan, plan.run(RUN), folder)
    for suffix in (".md", ".json", ".png", ".similarities.png", ".similarities.pdf"):
        name = RUN + suffix
        assert (Path("one") / name).read_bytes() == (Path("two") / name).read_bytes()
