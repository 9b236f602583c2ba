"""`vreid grim`: what it prints and writes; expectations reckoned by hand."""

import json

import pytest
from typer.testing import CliRunner

from vreid.cli.main import app
from vreid.params.errors import UserError


def grim(*arguments):
    return CliRunner().invoke(app, ["grim", *arguments])


def test_a_number_of_queries_is_tried():
    result = grim("95.96", "96.32", "--queries", "1235", "--queries", "1115")
    assert result.exit_code == 0, result.output
    # 1,185 and 1,186 of 1,235 are 95.951 and 96.032 %; 1,189 and 1,190 are 96.275 and 96.356 %
    assert result.output.splitlines() == [
        "1,235 queries: impossible 2 of 2: 95.96, 96.32. Of random values 1.8 would be, and no more than "
        "here in 100 % of all cases.",
        "  95.96 lies between 95.95 and 96.03",
        "  96.32 lies between 96.28 and 96.36",
        # (1116 / 10,001)² = 1.2 %
        "1,115 queries: impossible none of 2. Of random values 1.8 would be, and no more than here in 1.2 % "
        "of all cases.",
    ]


def test_numbers_between_two_are_found_and_written(tmp_path):
    out = tmp_path / "found.json"
    # 2 of 3 and 1 of 3, so of 6; of 4 and 5 neither
    result = grim("66.67", "33.33", "--between", "3", "6", "--json", str(out))
    assert result.output.startswith("Of the numbers from 3 to 6, 2 (3, 6) can give all 2 values; by chance")
    written = json.loads(out.read_text())
    assert written["values"] == ["33.33", "66.67"]
    assert (written["search"]["between"], written["search"]["fitting"]) == ([3, 6], [3, 6])
    assert written["tried"] == []


def test_a_mean_over_draws_has_more_possible_values(tmp_path):
    out = tmp_path / "found.json"
    grim("98.07", "--queries", "1200", "--json", str(out))
    assert json.loads(out.read_text())["tried"][0]["impossible"] == ["98.07"]
    assert grim("98.07", "--queries", "1200", "--draws", "10").output == (
        "10 x 1,200 queries: no information: every value fits\n"
    )


def test_without_a_number_those_from_200_to_3000_are_searched():
    assert grim("95.96", "98.12", "96.32", "98.21").output.startswith("Of the numbers from 200 to 3,000, ")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("95,96",), "'95,96' is no rate: .*vreid grim 95.96 96.32 --queries 1235"),
        (("150",), "150 is no rate: it is above 100 %"),
        (("95.96", "--between", "30", "3"), "give the smaller number first"),
        (("95.96", "--between", "0", "3"), "from 1 on"),
    ],
)
def test_mistakes_are_sentences(arguments, says):
    result = grim(*arguments)
    assert isinstance(result.exception, UserError)
    assert result.exit_code == 1
    with pytest.raises(UserError, match=says):
        raise result.exception
