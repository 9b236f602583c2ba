"""What is written of a figure, also where parts of it are missing."""

import json

import matplotlib.figure
import pytest
from PIL import Image
from tests.reporting.figures.small import dataset_plan, figure_plan, listed, method

from vreid.params.figures import Cmc, Darkened
from vreid.reporting.figures import draw, style
from vreid.reporting.figures.draw import draw_figure
from vreid.reporting.figures.drawing import Drawing
from vreid.reporting.records import Figure, read_record


def cmc(methods):
    return figure_plan(Cmc(kind="cmc", caption="CMC", methods=listed(methods), ranks=5), methods)


def test_three_files_are_written_and_pages_can_read_one(world, methods):
    drawn = draw_figure(cmc(methods), world / "out", world)
    assert sorted(file.name for file in (world / "out").iterdir()) == [
        "figure1.json",
        "figure1.pdf",
        "figure1.png",
    ]
    record = read_record(world / "out/figure1.json", Figure)
    assert (record.digest, record.title, record.notes) == ("feed", "Figure 1", drawn.notes)
    value = json.loads((world / "out/figure1.json").read_text())
    assert value["kind"] == "cmc"
    assert value["runs"]["Baseline"] == [result.run for result in methods[0].results]
    assert set(value["numbers"]["methods"]) == {"Baseline", "Proposed"}


@pytest.mark.parametrize(
    ("kind", "seeds"),
    [
        ("cmc", (0, 1)),
        ("sweep", (0, 1)),
        ("ranklist", (0,)),
        ("tsne", (0,)),
        ("heatmaps", (0,)),
        ("stages", (0,)),
        ("alignment", (0,)),
        ("erased", ()),
        ("darkened", ()),
        ("attributes", ()),
    ],
)
def test_a_figure_names_the_seeds_that_it_shows(world, methods, monkeypatch, kind, seeds):
    signed = []
    spec = cmc(methods).spec.model_copy(update={"kind": kind})
    plan = cmc(methods).model_copy(update={"spec": spec})
    empty = Drawing(matplotlib.figure.Figure(layout="constrained"))
    monkeypatch.setattr(draw, "_draw", lambda *_: empty)
    monkeypatch.setattr(style, "sign", lambda _, made: signed.append(made))
    assert draw_figure(plan, world / "out", world).seeds == seeds
    assert signed == [style.provenance(plan, seeds)]


def test_a_figure_of_what_is_left_names_the_seeds_that_are(world, methods):
    for one in methods:
        (world / one.results[0].per_query).unlink()
    assert draw_figure(cmc(methods), world / "out", world).seeds == (1,)


def test_same_figure_has_the_same_bytes(world, methods):
    for folder in ("one", "two"):
        draw_figure(cmc(methods), world / folder, world)
    for suffix in ("png", "pdf", "json"):
        one, two = ((world / folder / f"figure1.{suffix}").read_bytes() for folder in ("one", "two"))
        assert one == two
    assert b"CreationDate" not in (world / "one/figure1.pdf").read_bytes()
    assert "Software" not in Image.open(world / "one/figure1.png").info


def test_settings_of_the_library_do_not_show(world, methods):
    draw_figure(cmc(methods), world / "one", world)
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red"}):
        draw_figure(cmc(methods), world / "two", world)
        assert matplotlib.rcParams["font.size"] == 30
    assert (world / "one/figure1.png").read_bytes() == (world / "two/figure1.png").read_bytes()


def test_run_that_was_not_evaluated_is_left_out_with_a_reason(world, methods):
    (world / methods[1].results[1].per_query).unlink()
    drawn = draw_figure(cmc(methods), world / "out", world)
    assert len(drawn.runs["Proposed"]) == 1
    assert drawn.notes[-1] == "Proposed: 1 of 2 seeds pending; not run yet."
    assert drawn.digest == ""
    assert [one.run for one in drawn.absent] == [methods[1].results[1].run]


def test_methods_that_were_not_run_are_named(world, methods):
    gone = method("SE", status="not in this preset")
    drawn = draw_figure(cmc([*methods, gone]), world / "out", world)
    assert drawn.notes[-1] == "SE: not run, as demo leaves it out."
    assert set(drawn.numbers["methods"]) == {"Baseline", "Proposed"}


def test_figure_without_any_run_says_so_and_nothing_else(world):
    plan = cmc([method("SE", status="dataset absent")])
    drawn = draw_figure(plan, world / "out", world)
    assert drawn.notes == ("SE: its dataset is absent (docs/datasets.md says where it belongs).",)
    assert drawn.numbers == {}
    assert (world / "out/figure1.png").exists()


def test_figure_of_an_absent_dataset_says_so(world):
    spec = Darkened(kind="darkened", caption="Darkened", dataset="veri776")
    plan = figure_plan(spec, dataset=dataset_plan(present=False, source="real"))
    drawn = draw_figure(plan, world / "out", world)
    assert drawn.notes == ("veri776: dataset absent (docs/datasets.md says where it belongs).",)


def test_damaged_file_leaves_no_figure(world, methods):
    (world / methods[0].results[0].evaluation / "evaluation.json").write_text("{}")
    with pytest.raises(Exception, match="holds no results"):
        draw_figure(cmc(methods), world / "out", world)
    assert not (world / "out").exists()
