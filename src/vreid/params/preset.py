"""What params/presets/<preset>.yaml may say: how much of the recipes is run, on what, how often."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from vreid.params.errors import UserError
from vreid.params.numbers import Count
from vreid.params.read import described_by, read_yaml, validate
from vreid.params.run import Size
from vreid.params.strict import Strict

Seeds = tuple[int, ...]


class PaperPreset(Strict):
    """What a preset changes for one paper.

    `seeds` and `epochs` stand in for the preset's. `overrides` change all of the paper's runs; `variants`
    and `experiments` come on top of what a variant or an experiment of that name itself changes.
    `seeds_of` gives single runs seeds of their own, by what they are called between the paper and the seed.
    `leave_out` names experiments that are not run at all. `only`, if it is given, names all that is run, each
    so called: `proposed-veri776`, `msn_densenet121-rgbn300`.
    """

    seeds: Seeds = ()
    epochs: Count | None = None
    overrides: dict[str, Any] = {}
    variants: dict[str, dict[str, Any]] = {}
    experiments: dict[str, dict[str, Any]] = {}
    seeds_of: dict[str, Seeds] = {}
    leave_out: tuple[str, ...] = ()
    only: tuple[str, ...] = ()


class Preset(Strict):
    """One preset.

    `says` is printed in the header of every table; `epochs` shortens every schedule to that many epochs,
    its milestones, warm-up and freezing in proportion; `overrides` change every run, `papers` the runs of
    one paper (dotted keys both), and `datasets` the rendered stand-in of one dataset. `packs` names the size
    at which a dataset is packed that no run uses; without it that is the input size of `overrides`, if they
    set one. A file may also say `extends` (`read_preset`).
    """

    says: str = Field(min_length=1)
    source: Literal["real", "synthetic"]
    seeds: Seeds = Field(min_length=1)
    epochs: Count | None = None
    overrides: dict[str, Any] = {}
    papers: dict[str, PaperPreset] = {}
    datasets: dict[str, dict[str, Any]] = {}
    packs: dict[str, Size] = {}


class WorkflowSettings(Strict):
    """What a call of the workflow runs: params/workflow.yaml, with Snakemake's `--config` over it.

    `dataset` is the one that the target `datasets` prepares; all if None.
    """

    preset: str
    dataset: str | None = None


def workflow_settings(config: Mapping[str, Any], params: Path = Path("params")) -> WorkflowSettings:
    """Return what Snakemake's configuration says.

    Raises:
        UserError: a key is unknown or missing, or names a dataset that is not in `params`.
    """
    where = f"`--config` or {params / 'workflow.yaml'}"
    settings = validate(WorkflowSettings, dict(config), where)
    if settings.dataset is not None:
        described_by(params / "datasets", "dataset", settings.dataset, where)
    return settings


def read_preset(folder: Path, name: str) -> Preset:
    """Return the preset `name` of the folder of presets, laid over the one that it `extends`, if any.

    Mappings are laid over each other key by key, down to single parameters; anything else replaces what
    stood there.

    Raises:
        UserError: a file is missing or wrong, or presets extend each other in a circle.
    """
    chain = [name]
    value = read_yaml(described_by(folder, "preset", name))
    while base := value.pop("extends", None):
        if base in chain:
            raise UserError(
                f"{folder / name}.yaml: `extends` goes round: {' -> '.join([*chain, str(base)])}."
            )
        file = described_by(folder, "preset", str(base), f"{folder / chain[-1]}.yaml: `extends`")
        value = _over(read_yaml(file), value)
        chain.append(str(base))
    where = " over ".join(f"{folder / one}.yaml" for one in chain)
    return validate(Preset, value, where)


def _over(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in changes.items():
        below = result.get(key)
        if isinstance(below, dict) and isinstance(value, dict):
            result[key] = _over(below, value)
        else:
            result[key] = value
    return result
