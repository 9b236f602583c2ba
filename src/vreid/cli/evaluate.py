"""`vreid evaluate`: metrics of anybody's features under a named protocol."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from vreid.evaluation.result import Result

Features = Annotated[
    Path,
    typer.Argument(
        help=".npz with query_features, gallery_features, query_ids, gallery_ids, query_cams, "
        "gallery_cams (or features, ids, cams of one set), .parquet, or .npy with --labels.",
        show_default=False,
    ),
]
ProtocolName = Annotated[
    str,
    typer.Option("--protocol", help="A name from docs/protocols.md, such as veri776.", show_default=False),
]
Labels = Annotated[
    Path | None,
    typer.Option(
        help="For .npy: a .csv or .parquet with id and, where known, cam and role, line by line.",
        show_default=False,
    ),
]
Junk = Annotated[
    str | None,
    typer.Option(help="same_camera, self or none instead of the protocol's rule.", show_default=False),
]
Distance = Annotated[
    str | None,
    typer.Option(
        help="cosine, euclidean or squared_euclidean instead of the protocol's.", show_default=False
    ),
]
Flip = Annotated[
    bool, typer.Option("--flip", help="Average with the features of the mirrored images (keys …_mirrored).")
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of a protocol's draws.")]
Budget = Annotated[int, typer.Option(min=1, help="Memory beside the features, in MiB.")]
Threads = Annotated[
    int | None, typer.Option(min=1, help="Threads; all cores by default.", show_default=False)
]
Json = Annotated[
    Path | None,
    typer.Option("--json", help="Write the metrics, as fractions, to this file.", show_default=False),
]
PerQuery = Annotated[
    Path | None,
    typer.Option("--per-query", help="Write one line per query to this .parquet.", show_default=False),
]


def evaluate(
    features: Features,
    protocol: ProtocolName,
    labels: Labels = None,
    junk: Junk = None,
    distance: Distance = None,
    flip: Flip = False,
    seed: Seed = 0,
    budget: Budget = 256,
    threads: Threads = None,
    json: Json = None,
    per_query: PerQuery = None,
) -> None:
    """Evaluate features under a named protocol and say which rules made the numbers."""
    from vreid.evaluation.distances import distance_of
    from vreid.evaluation.evaluate import Method
    from vreid.evaluation.files import read_features
    from vreid.evaluation.protocols import find_protocol
    from vreid.evaluation.tables import write_per_query
    from vreid.params.atomic import write_json

    rules = find_protocol(protocol, junk)
    method = Method(
        distance=None if distance is None else distance_of(distance), budget=budget << 20, threads=threads
    )
    result = read_features(features, labels).evaluate(rules, method, flip=flip, seed=seed)
    if json is not None:
        write_json(json, result.summary())
    if per_query is not None:
        write_per_query(per_query, [result])
    _show(result)


def _show(result: "Result") -> None:
    from rich.console import Console
    from rich.table import Table

    from vreid.evaluation.metrics import MEANS

    summary = result.summary()
    table = Table(title=f"{summary['protocol']} (percent)")
    spread = len(result.trials) > 1
    for heading in ("metric", "value", *(["sd"] if spread else [])):
        table.add_column(heading, justify="left" if heading == "metric" else "right")
    for name in dict.fromkeys((*result.protocol.shown, *MEANS)):
        cells = [name, f"{100 * result[name]:.2f}"]
        deviation = result.sd(name)
        table.add_row(*cells, *([] if deviation is None else [f"{100 * deviation:.2f}"]))
    console = Console()
    console.print(table)
    skipped = summary["queries"] - summary["valid_queries"]
    trials = f"{summary['trials']} trials, each " if spread else ""
    console.print(
        f"{trials}{summary['queries']:g} queries ({skipped:g} without a match, skipped) against "
        f"{summary['gallery']:g} gallery images",
        highlight=False,
    )
    for rule, text in summary["rules"].items():
        console.print(f"{rule.replace('_', ' ')}: {text}", highlight=False, soft_wrap=True)
