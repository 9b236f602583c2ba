"""A params/ with one of the papers: it is resolved many times, and each other paper takes its time."""

import shutil
from pathlib import Path

from ruamel.yaml import YAML

PAPER = "se_densenet"


def one_paper(source: Path, target: Path) -> None:
    """Copy `source` to `target` without the other papers, and without what presets say of them.

    Where single runs have seeds of their own, all of the paper's have two.
    """
    shutil.copytree(source, target)
    yaml = YAML(typ="safe")
    for file in (target / "papers").glob("*.yaml"):
        if file.stem != PAPER:
            file.unlink()
    for file in (target / "presets").glob("*.yaml"):
        preset = yaml.load(file)
        preset["papers"] = {key: value for key, value in preset.get("papers", {}).items() if key == PAPER}
        if preset["papers"].get(PAPER, {}).pop("seeds_of", None):
            preset["papers"][PAPER]["seeds"] = [0, 1]
        yaml.dump(preset, file)
