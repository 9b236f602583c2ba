"""Chooses a preset's recipes: trains runs on vehicles of other seeds, and says how much they learn.

python benchmarks/recipes.py PAPER STEM [STEM ...] [--preset demo] [--set KEY=VALUE ...] [--epochs N]

STEM names a run as a preset's `only` does (`proposed-veri776`). Its datasets are rendered with the preset's
sizes and other seeds (500,000 added), so that no vehicle of a test set is ever looked at. Each run adds a
line to benchmarks/results/recipes.jsonl: what was changed, the processor seconds of training, and for every
protocol the main metrics with the share of the way from the best method without training to the attribute
oracle.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from vreid.params.dataset import dataset_names, read_dataset
from vreid.params.plan import Plan, RunPlan
from vreid.params.preset import read_preset
from vreid.params.resolve import load

ROOT = Path(__file__).parents[1]
LOG = ROOT / "benchmarks" / "results" / "recipes.jsonl"
OTHER_SEEDS = 500_000
METRICS = ("mAP", "R1")
UNTRAINED = ("chance", "colour_histogram", "raw_pixels")


def main() -> None:
    """Train what the command line names, and print and log what came of it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("paper")
    parser.add_argument("stems", nargs="+")
    parser.add_argument("--preset", default="demo")
    parser.add_argument(
        "--set", nargs="*", default=[], metavar="KEY=VALUE", help="overrides of the paper's runs"
    )
    parser.add_argument("--epochs", type=int)
    parser.add_argument(
        "--work", type=Path, default=ROOT / "data" / "recipes", help="where everything is kept"
    )
    arguments = parser.parse_args()
    changes = dict(one.split("=", 1) for one in arguments.set)
    overrides = {key: YAML(typ="safe").load(value) for key, value in changes.items()}
    work = arguments.work.resolve()
    lay_out(work, arguments.paper, arguments.stems, arguments.preset, overrides, arguments.epochs)
    plan = load(work / "params")
    targets = [f"{test.evaluation}/evaluation.json" for run in plan.runs.values() for test in run.tests]
    targets += sorted({run.baselines for run in plan.runs.values()})
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--snakefile",
        str(ROOT / "Snakefile"),
        "--directory",
        str(work),
    ]
    subprocess.run(
        [*command, "--cores", "1", "--resources=gpu=1", "--quiet", "all", "--", *targets], check=True
    )
    LOG.parent.mkdir(exist_ok=True)
    with LOG.open("a", encoding="utf-8") as log:
        for run in plan.runs.values():
            found = {
                "run": stem(run),
                "lr": run.config.optimizer.lr,
                "changed": {**overrides, "epochs": run.config.schedule.epochs},
            }
            found |= {"cpu_seconds": cpu_seconds(work / "runs" / run.name), **dict(learned(plan, run, work))}
            log.write(json.dumps(found) + "\n")
            print(json.dumps(found))


def lay_out(
    work: Path, paper: str, stems: list[str], preset: str, overrides: dict[str, Any], epochs: int | None
) -> None:
    """Write params/ for the runs alone: the project's, with a preset that extends `preset`."""
    shutil.rmtree(work / "params", ignore_errors=True)
    shutil.copytree(ROOT / "params", work / "params")
    own = read_preset(ROOT / "params" / "presets", preset).model_dump(mode="json", exclude_unset=True)
    base = own.get("datasets", {})
    seeds = {}
    for name in dataset_names(work / "params"):
        render = read_dataset(name, work / "params").render
        if render is not None:
            seeds[name] = {"seed": base.get(name, {}).get("seed", render.seed) + OTHER_SEEDS}
    others = [path.stem for path in (ROOT / "params" / "papers").glob("*.yaml") if path.stem != paper]
    mine: dict[str, Any] = {"only": stems, "seeds_of": {}, "overrides": overrides}
    if epochs is not None:
        mine["epochs"] = epochs
    for other in others:
        (work / "params" / "papers" / f"{other}.yaml").unlink()
    own["papers"] = {
        paper: {
            **own["papers"].get(paper, {}),
            **mine,
            "overrides": {**own["papers"].get(paper, {}).get("overrides", {}), **overrides},
        }
    }
    for name, change in seeds.items():
        own.setdefault("datasets", {}).setdefault(name, {}).update(change)
    with (work / "params" / "presets" / "recipes.yaml").open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(own, file)
    (work / "params" / "workflow.yaml").write_text("preset: recipes\n", encoding="utf-8")


def learned(plan: Plan, run: RunPlan, work: Path) -> Iterator[tuple[str, Any]]:
    """Yield each protocol with its metrics in percent, and how far they are from untrained to the oracle."""
    untrained = json.loads((work / run.baselines).read_text(encoding="utf-8"))["protocols"]
    for test in run.tests:
        result = json.loads((work / test.evaluation / "evaluation.json").read_text(encoding="utf-8"))
        for protocol in test.protocols:
            base, shown = untrained[protocol], {}
            for metric in METRICS:
                ours = value_of(result["protocols"][protocol], metric)
                floor = max(value_of(base[method], metric) for method in UNTRAINED)
                top = value_of(base["attribute_oracle"], metric) if "attribute_oracle" in base else 1.0
                shown[metric] = round(100 * ours, 2)
                shown[f"{metric} way"] = round((ours - floor) / (top - floor), 3) if top > floor else None
            yield f"{protocol} {test.test.images}", shown


def value_of(found: dict[str, Any], metric: str) -> float:
    """Return a metric of an evaluation, R1 being the first value of the CMC curve."""
    return float(found["cmc"][0] if metric == "R1" else found[metric])


def cpu_seconds(folder: Path) -> float:
    """Return the processor seconds that training took."""
    return round(json.loads((folder / "run.json").read_text(encoding="utf-8"))["cpu_seconds"], 1)


def stem(run: RunPlan) -> str:
    """Return what a run is called, without its seed and digest."""
    return run.name.rsplit("-", 2)[0]


if __name__ == "__main__":
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    main()
