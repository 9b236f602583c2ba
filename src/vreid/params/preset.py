"""What params/presets/<preset>.yaml may say: how much of the recipes is run, on what, how often."""

from typing import Any, Literal

from pydantic import Field

from vreid.params.run import Count, Input
from vreid.params.strict import Strict


class Preset(Strict):
    """One preset.

    `says` is printed in the header of every table; `epochs` shortens every schedule to that many epochs,
    its milestones and warm-up in proportion; `overrides` change every run, `papers` the runs of one paper
    (dotted keys both), and `datasets` the rendered stand-in of one dataset. `packs` names the size at which a
    dataset is packed that no run uses; without it that is the input size of `overrides`, if they set one.
    """

    says: str = Field(min_length=1)
    source: Literal["real", "synthetic"]
    seeds: tuple[int, ...] = Field(min_length=1)
    epochs: Count | None = None
    overrides: dict[str, Any] = {}
    papers: dict[str, dict[str, Any]] = {}
    datasets: dict[str, dict[str, Any]] = {}
    packs: dict[str, Input] = {}


class WorkflowSettings(Strict):
    """params/workflow.yaml: what the bare command runs."""

    preset: str
