"""No report is told of without its data and preset, and no text can break out of its caption."""

import pytest
from docutils.core import publish_doctree
from tests.cli.params import PAPER

from vreid.reporting.captions import LONGEST_NAME, Caption, captions, escaped, ours

FIGURES = {"erased": "figure5", "sweep": "figure6", "ranklist": "figure7"}


def test_every_report_of_a_preset_is_told_with_its_label(demo):
    told = captions(demo)
    assert {name for name in told if name.startswith("tables/")} == {f"tables/{key}" for key in demo.tables}
    assert {"all_tables", "claims", f"papers/{PAPER}", f"claims/{PAPER}"} <= set(told)
    made = [caption for name, caption in told.items() if not name.startswith("datasets/")]
    assert all(f"synthetic data; preset demo ({demo.preset_label})" in caption.ours for caption in made)
    assert told[f"tables/{PAPER}/table1"].ours == f"{ours(demo)}; seeds 0, 1"
    seeds = {kind: told[f"figures/{PAPER}/{name}"].ours for kind, name in FIGURES.items()}
    assert seeds == {
        "sweep": f"{ours(demo)}; seeds 0, 1",
        "ranklist": f"{ours(demo)}; seed 0",
        "erased": ours(demo),
    }
    [audit] = demo.audits
    assert told[f"audits/{audit}/audit"].ours == f"{ours(demo)}; seed 0"
    assert {caption.source for caption in told.values()} == {"synthetic"}


def test_a_long_name_is_cut_at_a_word():
    caption = Caption("Table 1", "word " * 40, "synthetic data")
    assert len(caption.name) <= LONGEST_NAME
    assert caption.name.startswith("Table 1: word word")
    assert caption.name.endswith("word …")
    assert Caption("Claims", "", "real data").name == "Claims"


@pytest.mark.parametrize(
    "text", ["*bold* `code` |sub|", ".. raw:: html", "a_ [1]_ x__", "50 % < 60 %\nand more", "\\ backslash"]
)
def test_text_reads_as_it_is_in_restructured_text(text):
    tree = publish_doctree(escaped(text), settings_overrides={"report_level": 5})
    assert tree.astext() == " ".join(text.split())
    assert [node.tagname for node in tree.children] == ["paragraph"]
