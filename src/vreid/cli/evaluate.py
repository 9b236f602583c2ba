"""`vreid evaluate` and `vreid audit`: what features are worth, and what the protocol makes of them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vreid.cli.options import PlanFile, Preset, RunName, the_plan
from vreid.params.errors import UserError

if TYPE_CHECKING:
    from vreid.evaluation.audit import Audit, Finding
    from vreid.evaluation.result import Result
    from vreid.params.plan import Plan, RunPlan

Features = Annotated[
    Path,
    typer.Argument(
        help="query_features, gallery_features, query_ids, gallery_ids, query_cams, gallery_cams (or "
        "features, ids, cams of one set) in .npz, .mat, .pt, .safetensors or a folder of .npy; a .parquet or "
        ".csv with a line per image; or .npy with --labels."
    ),
]
ProtocolName = Annotated[
    str | None,
    typer.Option(
        "--protocol", help="A name from docs/protocols.md, such as veri776; custom if none is given."
    ),
]
Labels = Annotated[
    Path | None,
    typer.Option(help="For .npy: a .csv or .parquet with id and, where known, cam and role, line by line."),
]
Mapping = Annotated[
    list[str] | None,
    typer.Option("--map", help="NAME=KEY: a name in the file, such as query_ids=vehicles; repeatable."),
]
Distances = Annotated[
    Path | None,
    typer.Option(help="An .npy of distances (query x gallery) in place of features, which then hold labels."),
]
JunkId = Annotated[
    str | None, typer.Option("--junk-id", help="Leave images of this identity out; -1 marks false boxes.")
]
Junk = Annotated[str | None, typer.Option(help="same_camera, self or none instead of the protocol's rule.")]
Distance = Annotated[
    str | None, typer.Option(help="cosine, euclidean or squared_euclidean instead of the protocol's.")
]
Flip = Annotated[
    bool, typer.Option("--flip", help="Average with the features of the mirrored images (keys …_mirrored).")
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of a protocol's draws.")]
Budget = Annotated[int, typer.Option(min=1, help="Memory beside the features, in MiB.")]
Threads = Annotated[int | None, typer.Option(min=1, help="Threads; all cores by default.")]
DeviceName = Annotated[str, typer.Option(help="cpu, cuda, or auto: a GPU if there is one.")]
Rerank = Annotated[bool, typer.Option("--rerank", help="k-reciprocal re-ranking (on the CPU).")]
K1 = Annotated[int, typer.Option(min=1, help="Re-ranking: size of the neighbourhood.")]
K2 = Annotated[int, typer.Option(min=1, help="Re-ranking: neighbours averaged over.")]
Lambda = Annotated[
    float, typer.Option("--lambda", min=0, max=1, help="Re-ranking: share of the original distance.")
]
Json = Annotated[Path | None, typer.Option("--json", help="Write the metrics, as fractions, to this file.")]
PerQuery = Annotated[
    Path | None, typer.Option("--per-query", help="Write one line per query to this .parquet.")
]


def evaluate(
    features: Features,
    protocol: ProtocolName = None,
    labels: Labels = None,
    mapping: Mapping = None,
    distances: Distances = None,
    junk: Junk = None,
    junk_id: JunkId = None,
    distance: Distance = None,
    flip: Flip = False,
    rerank: Rerank = False,
    k1: K1 = 20,
    k2: K2 = 6,
    weight: Lambda = 0.3,
    seed: Seed = 0,
    budget: Budget = 1280,
    threads: Threads = None,
    device: DeviceName = "auto",
    json: Json = None,
    per_query: PerQuery = None,
) -> None:
    """Evaluate features under a named protocol and say which rules made the numbers."""
    from vreid.evaluation.distances import distance_of
    from vreid.evaluation.evaluate import Method
    from vreid.evaluation.files import read_features
    from vreid.evaluation.protocols import find_protocol
    from vreid.evaluation.reranking import Reranking
    from vreid.evaluation.tables import write_per_query
    from vreid.params.atomic import write_json

    named = dict(_pair(text) for text in mapping or [])
    if protocol is not None:
        find_protocol(protocol, junk)  # before anything large is read
    method = Method(
        distance=None if distance is None else distance_of(distance),
        reranking=Reranking(k1, k2, weight) if rerank else None,
        budget=budget << 20,
        threads=threads,
        device=device,
    )
    images = read_features(features, labels, named, distances)
    if junk_id is not None:
        images = images.without(junk_id)
    rules = find_protocol(protocol or images.protocol, junk)
    result = images.evaluate(rules, method, flip=flip, seed=seed)
    if json is not None:
        write_json(json, result.summary())
    if per_query is not None:
        write_per_query(per_query, [result])
    _show(result)
    if protocol is None:
        typer.echo(f"No --protocol is given: {rules.name} takes the images as the file has them.")
    for remark in (*images.remarks, *images.suspicions()):
        typer.echo(f"{remark}.")


def _pair(text: str) -> tuple[str, str]:
    name, equals, key = text.partition("=")
    if not equals:
        raise UserError(f"--map {text}: write NAME=KEY, such as --map query_ids=vehicles")
    return name, key


def audit(
    name: RunName,
    protocol: Annotated[
        str | None, typer.Option(help="One of the run's protocols; its first by default.")
    ] = None,
    reranking: Annotated[
        bool, typer.Option(help="Evaluate k-reciprocal re-ranking too; minutes on a large set.")
    ] = True,
    out: Annotated[
        Path | None, typer.Option(help="Folder for audit.json, .png and .pdf; reports/audits/RUN by default.")
    ] = None,
    plan: PlanFile = None,
    preset: Preset = None,
) -> None:
    """Evaluate one run's features under every variant of the rules; show how far each choice moves them."""
    resolved = the_plan(plan, preset)
    run = resolved.run(name)
    dataset = resolved.dataset(run.config.dataset)
    from vreid.evaluation.audit import audit as audit_run
    from vreid.evaluation.reranking import Reranking
    from vreid.params.atomic import write_json
    from vreid.reporting.figures.audit import draw_audit

    rules = dataset.spec.protocol(protocol or run.protocols[0])
    found = audit_run(
        Path(run.tests[0].features),
        Path(dataset.index),
        Path(dataset.splits),
        run.test,
        rules,
        # Numbers of rendered data have nothing to come close to.
        paper=_printed(resolved, run, rules.name) if dataset.source == "real" else {},
        reranking=Reranking() if reranking else None,
        note=f"{dataset.source} data, preset {resolved.preset}: {resolved.preset_label}",
    )
    folder = out or Path("reports") / "audits" / run.name
    draw_audit(found, folder)
    write_json(folder / "audit.json", {"digest": run.audit, **found.as_json()})
    _show_audit(found)
    typer.echo(f"{folder / 'audit.json'} holds every variant, {folder / 'audit.png'} shows the moves.")


def _printed(plan: "Plan", run: "RunPlan", protocol: str) -> dict[str, float]:
    """Return the mAP and R1 (fractions) that the paper's tables print for a run under a protocol."""
    printed: dict[str, float] = {}
    for table in plan.tables.values():
        for row in table.rows:
            for column, value, cell in zip(table.columns, row.paper, row.cells, strict=True):
                mine = run.name in cell.runs and column.protocol == protocol
                if mine and value is not None and column.metric in ("mAP", "R1"):
                    printed.setdefault(column.metric, value / 100)
    return printed


def _show_audit(found: "Audit") -> None:
    from rich.console import Console
    from rich.table import Table

    reference = found.reference
    table = Table(title=f"{found.run}, {found.protocol} (percent; moves in points)\n{found.note}")
    for heading in ("choice", "instead"):
        table.add_column(heading)
    for heading in ("mAP", "moves", "R1", "moves"):
        table.add_column(heading, justify="right")
    own = "\n".join(f"{setting}: {value}" for setting, value in reference.settings.items())
    table.add_row("the run's own", own, *_percents(reference, None), end_section=True)
    for setting, value, finding in found.moves():
        table.add_row(setting, value, *_percents(finding, reference))
    console = Console()
    console.print(table)
    closest = found.closest()
    if closest is not None:
        printed = ", ".join(f"{name} {100 * value:.1f}" for name, value in found.paper.items())
        changed = [f"{name}: {closest.settings[name]}" for name in closest.differing(reference)]
        console.print(
            f"The paper prints {printed}. Of {len(found.findings)} variants the closest is "
            f"{', '.join(changed) or 'the reference itself'}: mAP {100 * closest.map:.1f}, "
            f"R1 {100 * closest.rank1:.1f}.",
            highlight=False,
        )
    for reason in found.left_out:
        console.print(f"Left out: {reason}", highlight=False)


def _percents(finding: "Finding", reference: "Finding | None") -> tuple[str, str, str, str]:
    if reference is None:
        return f"{100 * finding.map:.2f}", "", f"{100 * finding.rank1:.2f}", ""
    moved = (100 * (finding.map - reference.map), 100 * (finding.rank1 - reference.rank1))
    return f"{100 * finding.map:.2f}", f"{moved[0]:+.2f}", f"{100 * finding.rank1:.2f}", f"{moved[1]:+.2f}"


def _show(result: "Result") -> None:
    from rich.console import Console
    from rich.table import Table

    from vreid.evaluation.metrics import MEANS

    summary = result.summary()
    names = tuple(dict.fromkeys((*result.protocol.shown, *MEANS)))
    intervals, spread = result.intervals(names), len(result.trials) > 1
    table = Table(title=f"{summary['protocol']} (percent)")
    table.add_column("metric")
    for heading in ("value", *(["sd"] if spread else []), *(["95 % interval"] if intervals else [])):
        table.add_column(heading, justify="right")
    for name in names:
        cells = [f"{100 * result[name]:.2f}"]
        if spread:
            cells.append(f"{100 * (result.sd(name) or 0):.2f}")
        if intervals:
            cells.append(f"{100 * intervals[name].low:.2f} to {100 * intervals[name].high:.2f}")
        table.add_row(name, *cells)
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
