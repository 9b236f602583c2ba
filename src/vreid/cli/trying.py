"""`vreid try`: one experiment on somebody's own pictures, through the same rules as everything else."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from ruamel.yaml import YAML

from vreid.params.atomic import atomic_path
from vreid.params.cores import available_cores
from vreid.params.errors import UserError
from vreid.params.paper import Paper
from vreid.params.preset import read_preset
from vreid.params.read import read_yaml, suggest, validate
from vreid.params.resolve import load


def try_table(
    experiment: Annotated[str, typer.Argument(help="PAPER/EXPERIMENT, such as se_densenet/proposed.")],
    table: Annotated[
        Path, typer.Option("--table", help="CSV or Parquet with the columns path, pid, camid, split.")
    ],
    name: Annotated[str | None, typer.Option(help="Name of the try; the table's folder by default.")] = None,
    preset: Annotated[
        str, typer.Option(help="The preset whose size and width of network are used.")
    ] = "demo",
    epochs: Annotated[int | None, typer.Option(min=1, help="Epochs instead of the preset's.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the one run.")] = 0,
    cores: Annotated[
        int | None, typer.Option(min=1, help="Processes that may work at once; one for each core by default.")
    ] = None,
) -> None:
    """Train and evaluate one experiment on your own pictures; leaves a report in tries/NAME/reports/.

    The table has one line per picture: its path (relative to the table), the number of its vehicle, the
    number of its camera (the column may be left out) and its split: train, query or gallery.
    """
    cores = cores or available_cores()
    root = project_root()
    known_preset = root / "params" / "presets" / f"{preset}.yaml"
    paper, variant = _paper_and_experiment(root, experiment)
    folder = Path("tries") / (_identifier(name) if name else _identifier(table.resolve().parent.name))
    dataset = folder.name
    _check(table)
    _write_params(folder, root, paper, variant, known_preset, table, epochs, seed)
    _link(folder / "data" / "raw" / "real" / dataset, table.resolve().parent)
    run = _planned_run(folder)
    report = f"reports/runs/{run}.md"
    status = subprocess.run(
        [
            *(sys.executable, "-m", "snakemake", "--snakefile", str(root / "Snakefile")),
            *(
                "--directory",
                str(folder),
                "--cores",
                str(cores),
                f"--resources=gpu={cores}",
                "--",
                report,
                "reports/tracking.json",
            ),
        ],
        check=False,
    ).returncode
    if status:
        raise UserError(
            f"the try did not finish; its logs are in {folder / 'logs'}. The same command goes on from here."
        )
    typer.echo((folder / report).read_text(encoding="utf-8"))
    typer.echo(f"This report, its figures and its numbers as JSON are in {(folder / report).parent}.")


def project_root() -> Path:
    """Return the project's folder: the one with the Snakefile, from here upwards or around this package.

    Raises:
        UserError: there is none.
    """
    here = Path.cwd()
    for folder in (here, *here.parents, *Path(__file__).resolve().parents):
        if (folder / "Snakefile").is_file() and (folder / "params" / "papers").is_dir():
            return folder
    raise UserError("no Snakefile is found from here upwards: run this inside a clone of vreid.")


def _paper_and_experiment(root: Path, wanted: str) -> tuple[str, str]:
    papers = sorted(path.stem for path in (root / "params" / "papers").glob("*.yaml"))
    paper, _, experiment = wanted.partition("/")
    if paper not in papers:
        raise UserError(f"no paper is called {paper!r}{suggest(paper, papers)}. Say PAPER/EXPERIMENT.")
    file = root / "params" / "papers" / f"{paper}.yaml"
    experiments = list(validate(Paper, read_yaml(file), str(file)).experiments)
    if experiment not in experiments:
        raise UserError(f"{paper} has no experiment {experiment!r}{suggest(experiment, experiments)}.")
    return paper, experiment


def _identifier(text: str) -> str:
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return name if name[:1].isalpha() else f"own_{name}".rstrip("_")


def _check(table: Path) -> None:
    """Refuse a wrong table before anything is written or trained."""
    from vreid.datasets.own import check_table

    for remark in check_table(table):
        typer.echo(f"note: {remark}", err=True)


def _write_params(
    folder: Path,
    root: Path,
    paper: str,
    experiment: str,
    preset_file: Path,
    table: Path,
    epochs: int | None,
    seed: int,
) -> None:
    """Write a params/ of its own for the try: one dataset, one experiment, one seed."""
    dataset = folder.name
    printed = read_yaml(root / "params" / "papers" / f"{paper}.yaml")
    recipe = {
        key: value for key, value in (printed["experiments"][experiment] or {}).items() if key != "dataset"
    }
    preset = read_preset(preset_file.parent, preset_file.stem).model_dump(mode="json", exclude_none=True)
    mine = preset["papers"].get(paper, {})
    changes = {key: mine[key] for key in ("epochs", "overrides") if key in mine}
    if epochs:
        changes["epochs"] = epochs
    changes["experiments"] = {k: v for k, v in mine.get("experiments", {}).items() if k == experiment}
    params = folder / "params"
    _write_yaml(params / "workflow.yaml", {"preset": "try"})
    _write_yaml(
        params / "presets" / "try.yaml",
        {
            **preset,
            "says": f"own pictures ({dataset}), network and schedule of the {preset_file.stem} preset",
            "source": "real",
            "seeds": [seed],
            "papers": {paper: changes},
            "datasets": {},
            "packs": {},
            **({"epochs": epochs} if epochs else {}),
        },
    )
    _write_yaml(params / "datasets" / f"{dataset}.yaml", _described(table))
    row = {"label": experiment, "run": experiment, "paper": [None, None]}
    _write_yaml(
        params / "papers" / f"{paper}.yaml",
        {
            "paper": printed["paper"],
            "main": experiment,
            "defaults": {**printed["defaults"], "dataset": dataset},
            "experiments": {experiment: recipe},
            "tables": {"table1": {"caption": "Own pictures", "columns": ["mAP", "R1"], "rows": [row]}},
        },
    )


def _described(table: Path) -> dict[str, Any]:
    from vreid.datasets.own import table_spec

    spec = table_spec(table).model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    return {**spec, "acquire": {"kind": "by_hand"}}


def _write_yaml(path: Path, value: dict[str, Any]) -> None:
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(value, file)


def _link(link: Path, target: Path) -> None:
    """Let `link` point to `target`; nothing but an older link is ever replaced."""
    if link.is_symlink():
        link.unlink()
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(target, target_is_directory=True)


def _planned_run(folder: Path) -> str:
    """Return the name of the try's one run, as its Snakefile will resolve it."""
    here = Path.cwd()
    os.chdir(folder)
    try:
        return next(iter(load().runs))
    finally:
        os.chdir(here)
