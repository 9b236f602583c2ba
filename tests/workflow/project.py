"""A copy of the project with a preset of seconds, in which the real workflow runs to the end."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]

MICRO = """\
says: "rendered stand-in data, tiny networks, 2 of 120 epochs at 32 x 32 px"
source: synthetic
seeds: [0]
epochs: 2
overrides:
  input: {height: 32, width: 32}
  sampler: {name: pk, ids: 4, images_per_id: 4}
papers:
  se_densenet:
    model.blocks: [1, 1, 1, 1]
    model.growth_rate: 4
    model.stem_channels: 8
    model.weights: null
datasets:
  veri776:
    train_ids: 6
    test_ids: 4
    cameras: 4
    cameras_per_id: 3
    images_per_camera: 2
    image_size: 32
    supersampling: 1
"""


@dataclass
class Project:
    """A working copy; its own `src` is what its commands import."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def call(self, *command: str, check: bool = True, **extra: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the environment in the copy and return what it printed."""
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(self.folder / "src"),
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DVC_NO_ANALYTICS": "1",
            **self.environment,
            **extra,
        }
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=environment,
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

    def planned_jobs(self, target: str = "reports/all_tables.md") -> list[tuple[str, str]]:
        """Return (rule, wildcards) of the jobs that a dry run says it would run, sorted."""
        done = self.call("snakemake", "--dry-run", "--cores", "2", target)
        jobs = []
        parts = re.split(r"^(?:local)?rule (\w+):$", done.stdout + done.stderr, flags=re.MULTILINE)
        for rule, block in zip(parts[1::2], parts[2::2], strict=True):
            wildcards = re.search(r"^\s+wildcards: (.*)$", block, flags=re.MULTILINE)
            jobs.append((rule, wildcards[1] if wildcards else ""))
        return sorted(jobs)

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace the one place where `old` stands in `file`."""
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
        path.write_text(text.replace(old, new), encoding="utf-8")


def copy_project(folder: Path) -> Project:
    """Copy what git tracks, or would, and give the copy the micro preset and a history of its own."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        source, target = ROOT / name, folder / name
        if source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
    (folder / "params" / "presets" / "micro.yaml").write_text(MICRO)
    (folder / "params" / "workflow.yaml").write_text("preset: micro\n")
    project = Project(folder)
    git = ("git", "-c", "user.name=test", "-c", "user.email=test@example.org")
    for command in (
        ("init", "--quiet"),
        ("add", "--all"),
        ("commit", "--quiet", "--message", "copy"),
    ):
        project.call(*git, *command)
    return project
