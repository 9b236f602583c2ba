import json
from pathlib import Path

from tests.datasets import trees
from typer.testing import CliRunner

from vreid.cli.main import app
from vreid.params.resolve import load


def run(*arguments):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_gc_keeps_what_belongs_to_a_planned_dataset_and_deletes_the_rest(project):
    cars = load(preset="demo").dataset("cars196")
    suffixes = ("parquet", "json", "md", "damaged.json", "damaged.md")
    kept = [
        *(f"data/index/synthetic/{cars.version}.{suffix}" for suffix in suffixes),
        *(cars.splits, cars.darkened, f"{cars.packs[0]}/pack.json", f"{cars.darkened_packs()[0]}/pack.json"),
        *(f"reports/datasets/{cars.version}.{suffix}" for suffix in ("png", "md")),
        f"{cars.raw}/cars_annos.mat",
        "data/raw/real/cars196/cars_annos.mat",
        "data/packed/synthetic/.cars196-00000000-64x64.partial/pack.json",  # a job may be at it
    ]
    left = [
        *(f"data/index/synthetic/cars196-00000000.{suffix}" for suffix in suffixes),
        f"data/splits/synthetic/{cars.version}-00000000.parquet",
        f"data/splits/synthetic/{cars.version}-darkened-00000000.parquet",
        f"{cars.packs[0]}-darkened-00000000/pack.json",
        "reports/datasets/cars196-00000000.png",
        "data/raw/synthetic/cars196-00000000/cars_annos.mat",
        "runs/se_densenet-old-veri776-s0-0000000000/model.safetensors",
    ]
    away = "runs/se_densenet-old-veri776-s0-1111111111"  # on real data that is not in place now
    kept += [f"{away}/model.safetensors", "data/index/real/veri776-00000000.parquet"]
    trees.write(project, dict.fromkeys([*kept, *left], "x"))
    for folder, source in ((Path(left[-1]).parent, "synthetic"), (Path(away), "real")):
        (folder / "config.json").write_text(json.dumps({"source": source}))
    listed = run("gc")
    assert all(Path(path).exists() for path in [*kept, *left])
    assert f"{len(left)} left over" in listed
    run("gc", "--delete")
    assert [path for path in kept if not Path(path).exists()] == []
    assert [path for path in left if Path(path).exists()] == []


def test_gc_looks_into_the_runs_that_it_keeps_and_at_reports_on_runs_that_are_gone(project):
    plan = load(preset="demo")
    run_plan = next(iter(plan.runs.values()))
    folder = f"runs/{run_plan.name}"
    kept = [
        f"{folder}/model.safetensors",
        f"{run_plan.tests[0].evaluation}/summary.json",
        f"{run_plan.tests[0].features}/rows.npy",
        f"reports/runs/{run_plan.name}.md",
        f"reports/audits/{run_plan.name}/audit.json",
    ]
    left = [
        f"{folder}/eval-0000000000/summary.json",
        f"{folder}/features-0000000000/rows.npy",
        "reports/runs/dpa-dpa-vru-s0-0000000000.md",
        "reports/audits/dpa-dpa-vru-s0-0000000000/audit.json",
    ]
    trees.write(project, dict.fromkeys([*kept, *left], "x"))
    assert f"{len(left)} left over" in run("gc")
    run("gc", "--delete")
    assert [path for path in kept if not Path(path).exists()] == []
    assert [path for path in left if Path(path).exists()] == []


def test_the_plan_lists_all_datasets(project):
    printed = run("plan")
    assert all(f" {path.stem} " in printed for path in (project / "params/datasets").glob("*.yaml"))
    assert run("plan", "--preset", "paper").count("absent") == len(load(preset="paper").datasets)
