"""No text of params/ and no folder's name is ever read by a shell: real rules, run in a clone that tries it.

Names of pictures and their folder are in test_try.py, names of files and keys of params/ in tests/security.
"""

import json
import sys
from pathlib import Path

import pytest
from tests.workflow.project import copy_project

from vreid.params.resolve import load

pytestmark = pytest.mark.pipeline

FOLDER = "$(touch pwned); `touch pwned` 'y' | & * ~"
BRACES = "{0} {wildcards.run} {{x}}"
HOSTILE = f"{FOLDER} {BRACES}"
TEXTS = [
    ("params/datasets/veri776.yaml", "title: "),
    ("params/datasets/veri776.yaml", "terms: "),
    ("params/papers/se_densenet.yaml", "    caption: "),
    ("params/papers/se_densenet.yaml", "  title: "),
    ("params/presets/micro.yaml", "says: "),
]
"""Files and the beginnings of lines that hold free text."""


def test_rules_run_in_a_clone_whose_folder_environment_and_texts_are_commands(tmp_path):
    project = copy_project(tmp_path / f"clone {FOLDER}")  # Snakemake locks no folder with braces
    for file, beginning in TEXTS:
        fill(project.folder / file, beginning)
    environment = tmp_path / f"environment {HOSTILE}"
    environment.mkdir()
    for part in ("bin", "lib", "pyvenv.cfg"):
        (environment / part).symlink_to(Path(sys.prefix) / part)
    python = str(environment / "bin" / "python")
    dataset = load(project.folder / "params").dataset("veri776")
    assert (dataset.spec.title, dataset.spec.terms) == (HOSTILE, HOSTILE)
    project.call(python, "-m", "snakemake", "--cores", "1", "--", dataset.raw)
    assert any((project.folder / dataset.raw).rglob("*.jpg"))
    assert not list(tmp_path.rglob("pwned"))


def fill(file: Path, beginning: str) -> None:
    """Let the first line that begins so say something hostile."""
    lines = file.read_text().split("\n")
    place = next(n for n, line in enumerate(lines) if line.startswith(beginning))
    lines[place] = beginning + json.dumps(HOSTILE)
    file.write_text("\n".join(lines))
