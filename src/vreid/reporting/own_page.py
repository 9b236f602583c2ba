"""What the report of one run holds, and its Markdown page."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from vreid.reporting.cells import Record, printed
from vreid.reporting.formats.markdown import escape
from vreid.reporting.formats.wording import BASELINES, MISSING, plain

METRICS = ("mAP", "mINP", "R1", "R5", "R10")

SIMILARITIES = ".similarities"
"""What the second figure's name has beyond the run's."""


class Count(Record):
    """Photographs and the vehicles on them."""

    vehicles: int
    images: int


class ProtocolReport(Record):
    """What a run reaches under one protocol; metrics are fractions.

    `intervals` holds 95 % intervals over vehicles of the metrics that are means over queries;
    `baselines[method][metric]` what methods without training reach on the same queries.
    """

    name: str
    junk: str
    trials: int
    queries: float
    valid_queries: float
    gallery: float
    vehicles: int
    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    baselines: dict[str, dict[str, float]]


class RunReport(Record):
    """Everything that the report of a run says; `digest` is the plan's, by which it is known to be fresh.

    `similarities` are the numbers behind the second figure, and `apart` says in words what they come to; both
    are of the first protocol's first trial.
    """

    digest: str
    run: str
    experiments: tuple[str, ...]
    dataset: str
    source: str
    preset: str
    preset_label: str
    seed: int
    epochs: int
    train: Count
    test: Count
    protocols: tuple[ProtocolReport, ...]
    similarities: dict[str, Any]
    apart: tuple[str, ...]
    config: dict[str, str]
    costs: dict[str, float]


def markdown_page(report: RunReport) -> str:
    """Return the report as a page; it shows the figures <run>.png and <run>.similarities.png beside it."""
    results = (block for protocol in report.protocols for block in _results(report, protocol))
    return "\n\n".join(
        [
            f"# {escape(report.experiments[0])} on {escape(report.dataset)}",
            _about(report),
            *results,
            "## What to keep in mind",
            "\n".join(f"- {escape(line)}" for line in _caveats(report)),
            "## What it finds",
            f"![Rank-10 lists]({report.run}.png)",
            f"Queries under {escape(report.protocols[0].name)}, evenly spaced from the best to the worst "
            "average precision. Green with a tick: the same vehicle; red with a cross: another one.",
            *_apart(report),
            "## What was trained",
            _trained(report),
        ]
    )


def _about(report: RunReport) -> str:
    train = f"{_number(report.train.images, 'photograph')} of {_number(report.train.vehicles, 'vehicle')}"
    test = f"{_number(report.test.images, 'photograph')} of {_number(report.test.vehicles, 'vehicle')}"
    return (
        f"**{report.source.capitalize()} data; preset {report.preset} ({escape(report.preset_label)}); "
        f"seed {report.seed}.** "
        f"Trained for {_number(report.epochs, 'epoch')} on {train}; tested on {test} that are not among them."
    )


def _results(report: RunReport, protocol: ProtocolReport) -> Iterator[str]:
    metrics = [metric for metric in METRICS if metric in protocol.metrics]
    name = report.experiments[0].partition("/")[2]
    lines = [
        ["method", *metrics],
        [":--", *("--:" for _ in metrics)],
        [f"**{escape(name)}**", *(_with_interval(protocol, metric) for metric in metrics)],
    ]
    for key, values in protocol.baselines.items():
        shown = (as_percent(values[m]) if m in values else MISSING for m in metrics)
        lines.append([f"*{BASELINES[key]}*", *shown])
    draws = f", mean over {protocol.trials} draws" if protocol.trials > 1 else ""
    yield f"## Results under {escape(protocol.name)}"
    yield "\n".join(f"| {' | '.join(line)} |" for line in lines)
    queries = _number(protocol.valid_queries, "query", "queries")
    yield (
        f"In percent, \\[95 % interval] over vehicles. {queries} of {_number(protocol.vehicles, 'vehicle')} "
        f"among {_number(protocol.gallery, 'gallery image')}{draws}; left out of each ranking: "
        f"{escape(protocol.junk)}. Italics: without training, on the same queries."
    )


def _apart(report: RunReport) -> Iterator[str]:
    first = report.protocols[0]
    trial = ", in its first draw" if first.trials > 1 else ""
    yield "## How far it tells vehicles apart"
    yield f"![Similarities of pairs]({report.run}{SIMILARITIES}.png)"
    yield escape(" ".join(report.apart))
    yield (
        f"Counted are all pairs under {escape(first.name)}{trial}; left out, as above: {escape(first.junk)}, "
        "and queries without a match. Rankings need no such threshold: they compare the pairs of one query "
        "alone."
    )


def _with_interval(protocol: ProtocolReport, metric: str) -> str:
    value = f"**{as_percent(protocol.metrics[metric])}**"
    if metric not in protocol.intervals:
        return value
    low, high = protocol.intervals[metric]
    return f"{value} \\[{as_percent(low)}, {as_percent(high)}]"


def _caveats(report: RunReport) -> Iterator[str]:
    for protocol in report.protocols:
        step = as_percent(1 / protocol.valid_queries)
        yield f"{protocol.name}: one query more or less at rank 1 moves R1 by {step} points."
        if protocol.valid_queries < protocol.queries:
            skipped = protocol.queries - protocol.valid_queries
            who = "1 query has" if skipped == 1 else f"{plain(skipped)} queries have"
            yield f"{protocol.name}: {who} no match in the gallery, and no part in any number."
        yield from _against_colours(protocol)
    yield (
        "The intervals speak about other vehicles of this kind. They say nothing about another training: "
        "this is one, with one seed, and another seed may move every number by several points."
    )
    yield (
        "The paper's own numbers are no measure here unless pictures and recipe are the paper's; these are "
        f"{report.source} data, {report.preset_label}."
    )


def _against_colours(protocol: ProtocolReport) -> Iterator[str]:
    """Say so where comparing colours does as well: then the training has shown no use."""
    colours = protocol.baselines.get("colour_histogram", {}).get("mAP")
    if colours is None or "mAP" not in protocol.intervals:
        return
    low, high = protocol.intervals["mAP"]
    reached = f"colour histograms reach {as_percent(colours)} mAP without any training"
    if high < colours:
        yield f"{protocol.name}: {reached}, more than this run."
    elif low <= colours:
        yield f"{protocol.name}: {reached}, which lies within this run's interval."


def _trained(report: RunReport) -> str:
    costs = [
        f"{_number(report.costs['parameters'], 'parameter')}" if "parameters" in report.costs else "",
        f"{report.costs['seconds']:.0f} s of training" if "seconds" in report.costs else "",
    ]
    same = ", ".join(escape(name) for name in report.experiments)
    about = "; ".join([f"run {escape(report.run)}", f"experiment {same}", *filter(None, costs)])
    lines = [f"| {escape(key)} | {escape(value)} |" for key, value in report.config.items()]
    return "\n".join([f"{about}.", "", "| setting | value |", "| :-- | :-- |", *lines, ""])


def as_percent(value: float) -> str:
    """Return a fraction in percent with one decimal."""
    return printed(Decimal(repr(value)) * 100, 1)


def _number(value: float, noun: str, plural: str | None = None) -> str:
    return f"{plain(value)} {noun if value == 1 else plural or noun + 's'}"
