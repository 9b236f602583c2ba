"""No report is told of without its data and preset, and no text can break out of its caption."""

from pathlib import Path

import pytest
from docutils.core import publish_doctree
from tests.cli.params import PAPER, one_paper

from vreid.params.resolve import load
from vreid.reporting.captions import LONGEST_NAME, Caption, captions, escaped, ours

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    folder = tmp_path_factory.mktemp("planned")
    one_paper(PROJECT / "params", folder / "params")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return load(preset="demo")


def test_every_report_of_a_preset_is_told_with_its_label(plan):
    told = captions(plan)
    assert {name for name in told if name.startswith("tables/")} == {f"tables/{key}" for key in plan.tables}
    assert {"all_tables", "claims", f"papers/{PAPER}", f"claims/{PAPER}"} <= set(told)
    made = [caption for name, caption in told.items() if not name.startswith("datasets/")]
    assert all(f"synthetic data; preset demo ({plan.preset_label})" in caption.ours for caption in made)
    assert told[f"tables/{PAPER}/table1"].ours == f"{ours(plan)}; seeds 0, 1"
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
