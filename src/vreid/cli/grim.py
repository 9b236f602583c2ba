"""`vreid grim`: which numbers of queries the decimals of printed rates admit."""

from pathlib import Path
from typing import Annotated

import typer

Values = Annotated[
    list[str],
    typer.Argument(metavar="VALUE", help="Rank-k rates in percent, with every digit printed: 95.96 96.50."),
]
Queries = Annotated[
    list[int] | None, typer.Option("--queries", min=1, help="A number of queries to try; may be repeated.")
]
Between = Annotated[
    tuple[int, int] | None,
    typer.Option(
        help="Find the numbers of queries that fit, both ends included; 200 3000 without --queries."
    ),
]
Draws = Annotated[
    int,
    typer.Option(
        min=1, help="Draws, or trainings, that each value is the mean of, with as many queries each."
    ),
]
Json = Annotated[Path | None, typer.Option("--json", help="Write the same to this file.")]


def grim(
    values: Values, queries: Queries = None, between: Between = None, draws: Draws = 1, json: Json = None
) -> None:
    """Tell which numbers of queries can give printed Rank-k rates (the GRIM test; docs/decimals.md).

    Values are taken as rounded; how many would be impossible if their digits were cut off is said beside it.
    """
    from vreid.params import grim
    from vreid.params.atomic import write_json
    from vreid.params.errors import UserError
    from vreid.params.planning.decimals import Candidate, searched, tried
    from vreid.reporting.formats.decimals_wording import search_line, tried_line

    try:
        rates = grim.distinct(grim.Rate.of(value) for value in values)
    except ValueError as error:
        raise UserError(f"{error}. For example: vreid grim 95.96 96.32 --queries 1235") from None
    found = [tried(rates, Candidate("", number, draws)) for number in queries or ()]
    if between is None and not found:
        between = grim.SEARCHED
    if between is not None and not 1 <= between[0] <= between[1]:
        raise UserError(f"--between {between[0]} {between[1]}: give the smaller number first, from 1 on.")
    search = None if between is None else searched(rates, between, draws)
    for one in found:
        typer.echo(tried_line(one))
        for text in one.impossible:
            low, high = grim.neighbours(grim.Rate.of(text), one.queries * draws)
            typer.echo(f"  {text} lies between {low} and {high}")
    if search is not None:
        typer.echo(search_line(search))
    if json is not None:
        record = {
            "values": [str(rate) for rate in rates],
            "draws": draws,
            "tried": [one.model_dump(mode="json", exclude={"says", "inferred"}) for one in found],
            "search": None if search is None else search.model_dump(mode="json"),
        }
        write_json(json, record)
