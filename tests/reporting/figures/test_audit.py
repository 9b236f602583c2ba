"""The figure of an audit: a bar for each move, where the paper's numbers are, and what it was made of."""

import pytest

from vreid.evaluation.audit import Audit, Finding
from vreid.reporting.figures.audit import draw_audit, moves
from vreid.reporting.figures.style import metric_colour

OWN = {"protocol": "as declared", "distance": "cosine"}
NOTE = "synthetic data, preset demo: noise"


def audit(**paper) -> Audit:
    findings = (
        Finding(OWN, 0.5, 0.8),
        Finding(OWN | {"distance": "euclidean"}, 0.51, 0.75),
        Finding(OWN | {"protocol": "all against all"}, 0.25, 0.9),
    )
    return Audit("p-a-d-s0-0123456789", "veri776", findings, paper, (), NOTE)


def test_bars_are_the_moves_in_points_in_the_colours_of_their_metrics():
    [axes] = moves(audit()).axes
    for bars, metric, points in zip(axes.containers, ("mAP", "R1"), ([1, -25], [-5, 10]), strict=True):
        assert [bar.get_width() for bar in bars] == pytest.approx(points)
        assert bars[0].get_facecolor() == pytest.approx(_rgba(metric_colour(metric)))
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "distance:\neuclidean",
        "protocol:\nall against all",
    ]
    assert "mAP 50.0 %, Rank-1 80.0 %" in axes.get_title()


@pytest.mark.parametrize("paper", [{}, {"mAP": 0.7}, {"mAP": 0.7, "R1": 0.75}])
def test_dashes_stand_where_the_papers_numbers_are(paper):
    [axes] = moves(audit(**paper)).axes
    dashed = [line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == "--"]
    assert dashed == pytest.approx([20.0, -5.0][: len(paper)])


def test_it_is_written_in_two_forms_that_say_what_it_was_made_of(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr("vreid.reporting.figures.audit.sign", lambda figure, made: said.append(made))
    draw_audit(audit(), tmp_path / "new")
    assert said == [f"{NOTE}; seed 0"]
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["audit.pdf", "audit.png"]
    assert (tmp_path / "new/audit.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "new/audit.pdf").read_bytes().startswith(b"%PDF")


def test_an_audit_without_another_variant_is_drawn(tmp_path):
    alone = Audit("p-a-d-s0-0123456789", "veri776", (Finding(OWN, 0.5, 0.8),), {}, (), NOTE)
    draw_audit(alone, tmp_path)
    assert (tmp_path / "audit.png").is_file()


def _rgba(colour: str) -> tuple[float, ...]:
    from matplotlib.colors import to_rgba

    return to_rgba(colour)
