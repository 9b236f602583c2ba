"""A copy of the project with a preset of seconds, in which the real workflow runs to the end."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]

MICRO = """\
says: "rendered stand-in data, tiny networks, 2 of 120 epochs at 32 x 32 px"
source: synthetic
seeds: [0]
epochs: 2
overrides:
  input.height: 32
  input.width: 32
  sampler: {name: pk, ids: 4, images_per_id: 4}
papers:
  se_densenet:
    overrides:
      model.backbone: {name: densenet121, width: 0.0625, weights: null}
    leave_out: [gamma_05, gamma_1, gamma_3, gamma_5]
datasets:
  veri776:
    train_ids: 6
    test_ids: 4
    cameras: 4
    cameras_per_id: 3
    images_per_camera: 2
    image_size: 32
    supersampling: 1
  vehicleid:
    train_ids: 6
    test_ids: 6
    cameras: 4
    cameras_per_id: 3
    images_per_camera: 2
    image_size: 32
    supersampling: 1
"""
PAPER = "se_densenet"
DATASETS = ["vehicleid", "veri776"]
DARKENED = """\
  table4:
    caption: The proposed method on darkened images
    columns:
      - {metric: mAP, label: as it is}
      - {metric: mAP, label: tested dark, test: {images: darkened}}
      - {metric: mAP, label: all dark, variant: darkened, test: {images: darkened}}
    rows:
      - {label: Ours, run: proposed, paper: [null, null, null]}
"""
"""A table that no paper prints: one network tested in two ways, and one that is trained on other images."""


@dataclass
class Project:
    """A working copy; its own `src` is what its commands import."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def call(self, *command: str, check: bool = True, **extra: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the environment in the copy and return what it printed."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.variables() | extra,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        if check and done.returncode:
            raise AssertionError(
                f"{' '.join(command)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
            )
        return done

    def variables(self) -> dict[str, str]:
        """Return the environment variables that its commands run with."""
        return {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(self.folder / "src"),
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DVC_NO_ANALYTICS": "1",
            "PYTHONDONTWRITEBYTECODE": "",  # compiled anew, each start would take a half longer
            **self.environment,
        }

    def planned_jobs(self, *targets: str) -> list[tuple[str, str]]:
        """Return (rule, wildcards) of the jobs that a dry run says it would run, sorted.

        Without targets they are those of every page; the rule that only collects the pages is left out.
        """
        done = self.call("snakemake", "--dry-run", "--cores", "2", "--", *targets)
        jobs = []
        parts = re.split(r"^(?:local)?rule (\w+):$", done.stdout + done.stderr, flags=re.MULTILINE)
        for rule, block in zip(parts[1::2], parts[2::2], strict=True):
            wildcards = re.search(r"^\s+wildcards: (.*)$", block, flags=re.MULTILINE)
            if rule != "all":
                jobs.append((rule, wildcards[1] if wildcards else ""))
        return sorted(jobs)

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace the one place where `old` stands in `file`."""
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
        path.write_text(text.replace(old, new), encoding="utf-8")


def copy_project(folder: Path, *, whole: bool = False) -> Project:
    """Copy what git tracks, or would, and give the copy its own history.

    Unless it is to be `whole` it has one paper, to which a table of darkened images is added, and the micro
    preset alone.
    """
    for name in _files():
        source, target = ROOT / name, folder / name
        if source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
    project = Project(folder)
    if not whole:
        _cut_down(project)
    git = ("git", "-c", "user.name=test", "-c", "user.email=test@example.org")
    for command in (
        ("init", "--quiet"),
        ("add", "--all"),
        ("commit", "--quiet", "--message", "copy"),
    ):
        project.call(*git, *command)
    return project


def _files() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [name for name in listed.split("\0") if name]


def _cut_down(project: Project) -> None:
    params = project.folder / "params"
    for preset in (params / "presets").glob("*.yaml"):
        preset.unlink()  # they speak of the other papers too
    for paper in (params / "papers").glob("*.yaml"):
        if paper.stem != PAPER:
            paper.unlink()
    (params / "presets" / "micro.yaml").write_text(MICRO)
    (params / "workflow.yaml").write_text("preset: micro\n")
    file = f"params/papers/{PAPER}.yaml"
    project.edit(file, "\nexperiments:\n", "\nvariants:\n  darkened: {images: darkened}\n\nexperiments:\n")
    project.edit(file, "\nfigures:\n", f"{DARKENED}\nfigures:\n")
    _cut_stages(project.folder / "dvc.yaml")


def _cut_stages(file: Path) -> None:
    """Leave the stages of the one paper and of its datasets, and what the tables depend on of it."""
    yaml = YAML()
    pipeline = yaml.load(file)
    stages = pipeline["stages"]
    stages["dataset"]["foreach"] = DATASETS
    stages["paper"]["foreach"] = [PAPER]
    tables = stages["all_tables"]
    papers = [dep for dep in tables["deps"] if dep.startswith("reports/papers/")]
    tables["deps"] = [dep for dep in tables["deps"] if dep not in papers or Path(dep).stem == PAPER]
    yaml.dump(pipeline, file)
