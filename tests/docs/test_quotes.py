"""The README quotes the released reports to the letter."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
RELEASED = ROOT / "reports/reference/headline"
OF_ONES_OWN = "## Try it on your own photographs"
"""The section whose table is of photographs that are not part of this repository."""


def test_every_line_that_the_readme_quotes_stands_in_the_reports_of_the_headline():
    """A paragraph may be wrapped; one that ends in an ellipsis stands there with more behind it."""
    released = [page.read_text("utf-8") for page in RELEASED.rglob("*.md")]
    lines = {line.strip() for page in released for line in page.splitlines()}
    before, _, after = (ROOT / "README.md").read_text("utf-8").partition(OF_ONES_OWN)
    text = before + after[after.index("\n## ") :]
    quoted = [line.removeprefix(">").strip() for line in text.splitlines() if line.startswith(">")]
    whole = [line for line in quoted if line.startswith(("|", "Without"))]
    assert len(whole) > 10
    assert [line for line in whole if line not in lines] == []
    rest = "\n".join("" if line in whole else line for line in quoted).split("\n\n")
    paragraphs = [" ".join(one.split()).removesuffix("…") for one in rest if one.strip()]
    assert len(paragraphs) == 2
    assert [one for one in paragraphs if not any(one in page for page in released)] == []
