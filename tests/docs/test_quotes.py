"""The README quotes the released reports to the letter."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
RELEASED = ROOT / "reports/reference"
OF_ONES_OWN = "## Try it on your own photographs"
"""The section whose table is of photographs that are not part of this repository."""


def test_every_row_that_the_readme_quotes_stands_in_a_released_report():
    released = {
        line.strip() for page in RELEASED.rglob("*.md") for line in page.read_text("utf-8").splitlines()
    }
    before, _, after = (ROOT / "README.md").read_text("utf-8").partition(OF_ONES_OWN)
    text = before + after[after.index("\n## ") :]
    quoted = [line.removeprefix("> ") for line in text.splitlines() if line.startswith("> | ")]
    assert len(quoted) > 10
    assert [line for line in quoted if line not in released] == []
