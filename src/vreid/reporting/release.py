"""Copies a preset's reports to where they are committed, small, with a page that says how they were made."""

import io
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from vreid.params.atomic import write_text
from vreid.params.plan import Plan
from vreid.reporting.crate.files import check_reports
from vreid.reporting.history import RunHistory, read_history

WIDEST = 1200
"""Pixels of a figure; what is wider is made smaller."""

COLOURS = 256
"""Of a figure: a palette takes a third of the room."""

FORMS = ("md", "csv", "json")
"""Of pages and tables. LaTeX, PDF and the page of everything can be made of the same runs again."""


def release(plan: Plan, out: Path, root: Path = Path()) -> list[Path]:
    """Copy the plan's reports below `root` to the folder `out`, in the place of what was there.

    The pages of tables, claims and papers, the claims and choices of each paper, and every figure; links
    between them hold. README.md says with which preset, commits, machine and libraries they were made.

    Returns:
        The written files.

    Raises:
        UserError: a report is missing or not what the plan asks for.
    """
    reports = root / "reports"
    check_reports(plan, reports)
    out.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as beside:
        fresh = Path(beside) / "new"
        for name in _texts(plan, reports):
            target = fresh / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(reports / name, target)
        for picture in _pictures(plan):
            target = fresh / picture
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(smaller(reports / picture))
        write_text(fresh / "README.md", _about(plan, root))
        _exchange(fresh, out, Path(beside) / "old")
    return sorted(path for path in out.rglob("*") if path.is_file())


def smaller(picture: Path) -> bytes:
    """Return a PNG, at most `WIDEST` wide and with `COLOURS` colours."""
    with Image.open(picture, formats=["PNG"]) as image:
        shown = image.convert("RGB")
    if shown.width > WIDEST:
        height = round(shown.height * WIDEST / shown.width)
        shown = shown.resize((WIDEST, height), Image.Resampling.LANCZOS)
    palette = shown.quantize(COLOURS, kmeans=2)
    buffer = io.BytesIO()
    dithered = shown.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
    dithered.save(buffer, "png", optimize=True)
    return buffer.getvalue()


def _exchange(fresh: Path, out: Path, old: Path) -> None:
    """Put the folder `fresh` in the place of `out`, if there is one; interrupted, that comes back."""
    try:
        if out.exists():
            out.rename(old)
        fresh.rename(out)
    except BaseException:
        if old.exists() and not out.exists():
            old.rename(out)
        raise


def _texts(plan: Plan, reports: Path) -> Iterator[str]:
    """Name the texts that are copied: of papers the Markdown alone, for their numbers are in the pages."""
    for page in plan.pages:
        forms = ("md",) if "/" in page else FORMS
        yield from (f"{page}.{form}" for form in forms)
    for paper in plan.claims:
        yield from (f"{kind}/{paper}.md" for kind in ("claims", "deviations"))
    yield from (f"audits/{run}/audit.json" for run in plan.audits)  # papers' pages link to it


def _pictures(plan: Plan) -> Iterator[str]:
    yield from (f"figures/{key}.png" for key in plan.figures)
    yield from (f"audits/{run}/audit.png" for run in plan.audits)


def _about(plan: Plan, root: Path) -> str:
    runs = [run for plan_ in plan.present_runs() if (run := read_history(root / "runs" / plan_.name))]
    seconds = sum(run.final.get("run/seconds", 0.0) for run in runs)
    made = {
        "seeds": _seeds(plan),
        "runs": str(len(runs)),
        "training, by the clock, one after the other": f"{seconds / 3600:.1f} hours",
        "last run ended": datetime.fromtimestamp(max(run.end for run in runs) / 1000, UTC).strftime(
            "%Y-%m-%d"
        ),
        **{name: _all(runs, name) for name in ("git_commit", "device", "system", "python", "torch", "numpy")},
    }
    lines = "\n".join(f"| {name.replace('_', ' ')} | {value} |" for name, value in made.items() if value)
    sources = {said.source for said in plan.claims.values()}
    source = " and ".join(sorted(sources))
    rendered = " Nothing here was measured on the datasets of the papers." if sources == {"synthetic"} else ""
    return f"""# Reference reports of the preset {plan.preset}

**{source.capitalize()} data: {plan.preset_label}.**{rendered}

Start with [all tables](all_tables.md) and [all claims](claims.md), or with one paper: {_papers(plan)}.

| made with | |
| :-- | :-- |
{lines}

The commands, in a clone of the commit that holds this folder:

    make setup && source .venv/bin/activate
    snakemake --cores 8 --resources gpu=2 --config preset={plan.preset}
    vreid release --preset {plan.preset}

A run's name holds digests of its configuration, its data and the code that it executed. Where a later
commit plans the same names, it has changed none of them. The runs themselves (weights, features, single
queries) are not here: until they are made, `vreid explain` checks the plan alone.

`vreid diff {_folder(plan)} reports` says in what later reports differ from these. Figures are smaller here
than in `reports/`; LaTeX, PDF and the page of everything (`reports/index.html`) come from the same commands.
"""


def _seeds(plan: Plan) -> str:
    """Name the seeds of all papers, or those of each where they differ."""
    of = {paper: ", ".join(map(str, said.seeds)) for paper, said in plan.claims.items()}
    if len(set(of.values())) == 1:
        return next(iter(of.values()))
    return "; ".join(f"{paper} {seeds}" for paper, seeds in of.items())


def _folder(plan: Plan) -> str:
    return f"reports/reference/{plan.preset}"


def _papers(plan: Plan) -> str:
    return ", ".join(f"[{paper}](papers/{paper}.md)" for paper in plan.claims)


def _all(runs: list[RunHistory], name: str) -> str:
    return ", ".join(sorted({run.tags[name] for run in runs if run.tags.get(name)}))
