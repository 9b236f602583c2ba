"""Claims, contradictions and deviations as Markdown, LaTeX and CSV."""

import csv
import io
from decimal import Decimal

import pytest

from vreid.params.plan import DeviationPlan, InconsistencyPlan
from vreid.reporting.deviations import write_deviations
from vreid.reporting.formats import statements_latex, statements_markdown, statements_tidy
from vreid.reporting.formats import statements_wording as words
from vreid.reporting.statements import Claim, Comparison, Side, Statements

from .conftest import claims_plan
from .test_formats import grid
from .typeset import assert_balanced, assert_compiles, needs_pdflatex


def one_side(label, value, seeds=2, missing=None):
    value = None if value is None else Decimal(value)
    place = {"metric": "mAP", "dataset": "veri776", "protocol": "veri776"}
    return Side(label=label, runs=(), seeds=seeds, value=value, missing=missing, **place)


def comparison(paper, gap, verdict, **changes):
    names = ("difference", "low", "high")
    numbers = dict(zip(names, map(Decimal, gap), strict=True)) if gap else {}
    fields = {
        "better": one_side("With SE_1", "31.04"),
        "worse": one_side("[Baseline]", "29.8"),
        "paper": None if paper is None else Decimal(paper),
        "verdict": verdict,
        "reason": "the 95 % interval covers zero",
        **numbers,
    }
    return Comparison(**fields | changes)


def one_claim(name, *comparisons, verdict, reason):
    about = {"says": "SE blocks & more help.", "where": "sec. 4.3", "metric": "mAP", "kind": "pairs"}
    return Claim(id=name, comparisons=comparisons, verdict=verdict, reason=reason, **about)


INCONSISTENCIES = (
    InconsistencyPlan(
        id="swap",
        where="sec. 4.3",
        says="The text swaps mAP & Rank-1.",
        check="table1[4].mAP == 94.8",
        holds=False,
        shown="75.5 == 94.8",
    ),
    InconsistencyPlan(id="gap", where="sec. 4.4", says="Ahead.", check="1 < 2", holds=True, shown="1 < 2"),
    InconsistencyPlan(id="words", where="Eq. 7", says="Two names.", check=None, holds=None, shown=None),
)
DEVIATIONS = (
    DeviationPlan(
        key="optimizer.lr",
        where="sec. 4.2",
        printed="0.0035",
        taken="0.00035",
        because="ten times that | diverges",
        alternatives=("proposed_printed_lr",),
    ),
    DeviationPlan(key="mining", where=None, printed="open", taken="hard", because="usual", alternatives=()),
)


@pytest.fixture
def said() -> Statements:
    missing = "1 of 2 seeds failed; loss is not finite (runs/p-a-veri776-s1-0/events.jsonl)"
    held = comparison(
        "1.5", ("1.24", "0.1", "2.349"), "reproduced", reason="the 95 % interval lies above zero"
    )
    single = comparison(
        "2.495",
        ("0.62", "-0.512", "1.9"),
        "inconclusive",
        better=one_side("With SE_1", "31.04", 1, missing),
    )
    absent = comparison(None, None, "not run", worse=one_side("C", None, 0), reason="dataset absent: x")
    return Statements(
        paper="se_densenet",
        title="A model_2",
        citation="Zhang et al.: A model. CMC, 2021",
        digest="c1a1",
        preset="demo",
        preset_label="rendered stand-in, 12 of 120 epochs",
        source="synthetic",
        seeds=(0, 1),
        shortened=True,
        claims=(
            one_claim("se", held, verdict="reproduced", reason=held.reason),
            one_claim("all", single, absent, verdict="inconclusive", reason="of 2 comparisons 1 not run"),
        ),
        inconsistencies=INCONSISTENCIES,
        deviations=DEVIATIONS,
    )


def test_markdown_has_a_line_for_each_claim_and_comparison(said):
    head, _, held, both, single, absent = grid(statements_markdown.claims(said))
    assert head == [
        "#",
        "Claim",
        "Compared",
        "Metric",
        "Paper",
        r"ours (synthetic) \[95 % interval]",
        "Verdict",
    ]
    assert held == [
        "1",
        "SE blocks & more help. (sec. 4.3)",
        r"With SE\_1 (31.04) over \[Baseline] (29.80)",
        "mAP, veri776",
        "+1.50",
        r"**+1.24** \[+0.10, +2.35]",
        "**reproduced**: the 95 % interval lies above zero",
    ]
    assert both[0] == "2"
    assert both[2:] == ["2 comparisons:", "", "", "", "**inconclusive**: of 2 comparisons 1 not run"]
    # as many decimals as the paper prints, and at least two
    assert single[2] == r"With SE\_1 (31.04)<sup>a</sup> over \[Baseline] (29.80)"
    assert single[4:] == [
        "+2.495",
        r"**+0.620** \[-0.512, +1.900, one seed]",
        "inconclusive: the 95 % interval covers zero",
    ]
    assert absent[2:] == [
        r"With SE\_1 (31.04) over C",
        "mAP, veri776",
        "--",
        "--",
        "not run: dataset absent: x",
    ]


def test_sides_are_called_as_the_papers_rows_and_the_place_names_the_table(said):
    sides = {
        "better": one_side("en_gca (cars196)", "6.67").model_copy(update={"row": "+ EN + GCA, t 0.8"}),
        "worse": one_side("spare", "10.56"),
    }
    pair = comparison(None, None, "not run", **sides)
    claim = one_claim("gca", pair, verdict="not run", reason="x").model_copy(update={"rows_of": "Table 7"})
    changed = said.model_copy(update={"claims": (claim,)})
    row = grid(statements_markdown.claims(changed))[2]
    assert row[1:3] == [
        "SE blocks & more help. (sec. 4.3; rows of Table 7)",
        "+ EN + GCA, t 0.8 (6.67) over spare (10.56)",
    ]
    assert "those without a row as their experiments" in statements_markdown.claims(changed)
    text = statements_latex.claims(changed)
    assert r"\textbf{1.} SE blocks \& more help. (sec. 4.3; rows of Table 7) " in text
    assert "+ EN + GCA, t 0.8 (6.67) over spare (10.56)" in text
    [line] = csv.DictReader(io.StringIO(statements_tidy.text([changed])))
    assert (line["better"], line["better_row"]) == ("en_gca (cars196)", "+ EN + GCA, t 0.8")
    assert (line["worse"], line["worse_row"]) == ("spare", "")


def test_what_was_measured_is_said_where_it_is_compared():
    assert words.measured(comparison(None, None, "not run")) == "mAP, veri776"
    dark = one_side("Dark", "20").model_copy(update={"protocol": "all_vs_all"})
    assert (
        words.measured(comparison(None, None, "not run", worse=dark))
        == "mAP, veri776 / mAP, veri776 all_vs_all"
    )


def test_verdicts_are_counted_by_paper_and_in_all(said):
    other = said.model_copy(update={"paper": "dpa", "claims": said.claims[:1]})
    head, _, first, second, both = grid(statements_markdown.summary([said, other]))
    assert head == ["Paper", "Claims", "reproduced", "not reproduced", "inconclusive", "not run"]
    verdicts = [claim.verdict for claim in said.claims]
    counts = [str(verdicts.count(verdict)) for verdict in head[2:]]
    assert first == [r"se\_densenet", str(len(verdicts)), *counts]
    assert second == ["dpa", "1", "1", "0", "0", "0"]
    assert [int(n) for n in both[1:]] == [int(a) + int(b) for a, b in zip(first[1:], second[1:], strict=True)]
    assert len(grid(statements_markdown.summary([said]))) == 3
    assert r"dpa & 1 & 1 & 0 & 0 & 0 \\" in statements_latex.summary([said, other])


def test_a_sentence_ends_once():
    ended = DEVIATIONS[0].model_copy(update={"printed": "Open.", "taken": "hard", "because": "Usual!"})
    text = statements_latex.deviations([ended])
    assert r"\emph{The paper:} Open. \emph{Taken here:} hard. \emph{Why:} Usual! " in text
    assert [words.sentence(text) for text in ("a", "b.", "c?")] == ["a.", "b.", "c?"]


def test_claims_say_on_what_they_were_reached(said):
    text = statements_markdown.claims(said)
    assert text.startswith(
        "**Ours: synthetic data; preset demo (rendered stand-in, 12 of 120 epochs); seeds 0, 1"
    )
    assert "12 of 120 epochs); seeds 0, 1 (means).** 2 claims: 1 reproduced" in text
    assert "2 claims: 1 reproduced, 0 not reproduced, 1 inconclusive, 0 not run." in text
    assert r"<sup>a</sup> 1 of 2 seeds failed; loss is not finite" in text
    assert "Ours is synthetic data: a verdict is about the sentence there" in text
    assert "The recipe is shortened" in text
    real = statements_markdown.claims(said.model_copy(update={"source": "real", "shortened": False}))
    assert "a verdict is about the sentence" not in real
    assert "shortened:" not in real
    assert words.badge([said]) == (
        "se_densenet, 2 claims: 1 reproduced, 0 not reproduced, 1 inconclusive, 0 not run "
        "(synthetic data, preset demo)"
    )
    assert words.summary([said, said]).startswith("4 claims: 2 reproduced")
    real = said.model_copy(update={"source": "real", "preset": "paper"})
    line = words.badge([said, said, real])
    assert line.startswith("3 papers, 6 claims: 3 reproduced")
    assert line.endswith("(synthetic data, preset demo; real data, preset paper)")


def test_contradictions_say_how_their_check_came_out(said):
    swap, gap, unchecked = grid(statements_markdown.inconsistencies(said.inconsistencies))[2:]
    assert swap == ["1", "sec. 4.3", "The text swaps mAP & Rank-1.", "75.5 == 94.8 does not hold"]
    assert gap[3] == r"1 \< 2 holds"
    assert unchecked[3] == "no arithmetic: as read"


def test_deviations_name_what_is_printed_taken_and_why(said):
    rate, mining = grid(statements_markdown.deviations(said.deviations))[2:]
    assert rate == [
        "`optimizer.lr`",
        "sec. 4.2",
        "0.0035",
        "0.00035",
        r"ten times that \| diverges",
        "`proposed_printed_lr`",
    ]
    assert mining == ["`mining`", "--", "open", "hard", "usual", "--"]


def test_what_is_not_there_is_said(said):
    bare = said.model_copy(update={"claims": (), "inconsistencies": (), "deviations": ()})
    text = statements_markdown.page(bare)
    for sentence in ("No claims are on record.", "No contradictions are on record.", "No deviations are"):
        assert sentence in text
        assert sentence in statements_latex.document(bare)


def test_csv_is_one_line_per_comparison(said):
    first, second, third = csv.DictReader(io.StringIO(statements_tidy.text([said])))
    assert {
        key: first[key] for key in ("claim", "comparison", "paper_difference", "difference", "low", "high")
    } == {
        "claim": "se",
        "comparison": "1",
        "paper_difference": "1.5",
        "difference": "1.24",
        "low": "0.1",
        "high": "2.349",
    }
    assert (second["comparison"], second["seeds_better"], second["claim_verdict"]) == (
        "1",
        "1",
        "inconclusive",
    )
    assert (third["comparison"], third["verdict"], third["difference"]) == ("2", "not run", "")
    for line in (first, second, third):
        assert (line["source"], line["preset"]) == ("synthetic", "demo")
        assert line["preset_label"] == "rendered stand-in, 12 of 120 epochs"


def test_latex_holds_the_same(said):
    text = statements_latex.document(said)
    assert_balanced(text)
    assert r"{}[Baseline]" not in text
    assert (
        r"With SE\_1 (31.04) over [Baseline] (29.80) & mAP, veri776 & $+$1.50 & $+$1.24 & [+0.10, +2.35]"
        in text
    )
    assert r"\emph{Checked again:} 75.5 == 94.8 does not hold." in text
    assert r"\textbf{\texttt{optimizer.lr}} (sec. 4.2)" in text
    assert text.index("Ours: synthetic data") < text.index(r"\toprule")


@needs_pdflatex
def test_latex_compiles_alone_and_included(said, tmp_path):
    sides = {"better": one_side("[x] first", "1"), "worse": one_side("y " * 60, "1")}
    wide = said.claims[0].comparisons[0].model_copy(update=sides)
    claims = (*said.claims, said.claims[0].model_copy(update={"comparisons": (wide, wide)}))
    (tmp_path / "alone.tex").write_text(statements_latex.document(said.model_copy(update={"claims": claims})))
    write_deviations(claims_plan([], deviations=DEVIATIONS), tmp_path)
    preamble = r"\documentclass{article}\usepackage{booktabs,graphicx}"
    (tmp_path / "including.tex").write_text(
        preamble + r"\begin{document}a \input{alone} b \input{se_densenet}\end{document}"
    )
    for name in ("alone", "se_densenet", "including"):
        assert_compiles(tmp_path, name)


def test_deviations_are_a_page_of_their_own(tmp_path):
    write_deviations(claims_plan([], deviations=DEVIATIONS), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"se_densenet.{suffix}" for suffix in ("json", "md", "tex")
    ]
    text = (tmp_path / "se_densenet.md").read_text()
    assert text.startswith("# Deviations from A model\n")
    assert "Zhang et al." in text
    assert "the same under every preset, and nothing in it was measured" in text
    assert '"digest": "c1a1"' in (tmp_path / "se_densenet.json").read_text()
