"""The figure of a run whose enhancement network is known: one that returns images as they are."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from vreid.models.factory import build_model
from vreid.params.errors import UserError
from vreid.params.figures import Stages
from vreid.params.plan import FigurePlan, MethodPlan, ResultPlan
from vreid.params.run import TrainConfig
from vreid.reporting.figures import stages, style

SIDE, RUN, PACK = 32, "alsa-proposed-veri776-s0-0123456789", "data/packed/veri"
MODULE = {
    "enhancement": {"name": "enlightengan", "width": 0.0625, "weights": "rendered"},
    "threshold": 0.8,
    "adjustment": {"name": "ssa", "channels": 8, "heads": 2},
}


def config(**module):
    backbone = {"name": "resnet50", "width": 0.0625, "weights": None}
    model = {"name": "alsa", "embedding": 16, "backbone": backbone} | module
    return TrainConfig.model_validate_json(
        json.dumps(
            {
                "dataset": "veri776",
                "source": "synthetic",
                "data": "0",
                "code": "0",
                "seed": 0,
                "input": {"height": SIDE, "width": SIDE},
                "model": model,
                "losses": [{"name": "log_triplet"}],
                "sampler": {"name": "class_balanced", "ids": 2, "images_per_id": 2},
                "optimizer": {"name": "adam", "lr": 0.0005},
                "schedule": {"name": "cosine", "epochs": 1},
                "augment": [],
            }
        )
    )


@pytest.fixture
def root(tmp_path):
    """Twenty grey test images, from black upwards, and as many brighter ones for training."""
    folder = tmp_path / PACK
    folder.mkdir(parents=True)
    levels = np.concatenate([np.arange(20), np.full(20, 200)]).astype(np.uint8)
    np.save(folder / "images.npy", np.tile(levels[:, None, None, None], (1, SIDE, SIDE, 3)))
    np.save(folder / "pids.npy", np.arange(40))
    np.save(folder / "camids.npy", np.zeros(40, np.int64))
    np.save(folder / "splits.npy", np.repeat([1, 2, 0], [5, 15, 20]).astype(np.uint8))
    (folder / "pack.json").write_text(json.dumps({"spectra": ["rgb"], "height": SIDE, "width": SIDE}))
    return tmp_path


def write_run(root, **module):
    settings = config(**module)
    torch.manual_seed(0)
    model = build_model(
        settings.model.model_copy(
            update={"enhancement": settings.model.enhancement.model_copy(update={"weights": None})}
            if settings.model.enhancement
            else {}
        ),
        2,
    )
    if model.alsa is not None:
        # What the network adds to its input: nothing, and SSA doubles.
        torch.nn.init.zeros_(model.alsa.enhancement.conv10.weight)
        torch.nn.init.zeros_(model.alsa.enhancement.conv10.bias)
        torch.nn.init.ones_(model.alsa.adjustment.out.bias)
    folder = root / "runs" / RUN
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(settings.model_dump_json())
    state = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    save_file(state, folder / "model.safetensors", {"classes": "2"})


def figure_plan(images=2):
    result = ResultPlan(
        run=RUN,
        experiment="proposed",
        dataset="veri776",
        protocol="veri776",
        pack=PACK,
        features="",
        evaluation=f"runs/{RUN}/eval-0",
    )
    return FigurePlan(
        paper="alsa",
        figure="figure5b",
        title="Figure 5b",
        caption="Stages",
        citation="",
        preset="demo",
        preset_label="demo",
        source="synthetic",
        seeds=(0,),
        spec=Stages(kind="stages", caption="Stages", run="proposed", images=images),
        methods=(MethodPlan(label="proposed", experiment="proposed", status="run", results=(result,)),),
        datasets={},
    )


def test_the_darkest_test_images_go_through_the_run_s_own_module(root):
    write_run(root, **MODULE)
    drawing = stages.draw(figure_plan(), root)
    numbers = drawing.numbers
    assert numbers["rows"] == [0, 1]  # a tenth of twenty
    luminance = numbers["luminance"]
    levels = [0 / 255, 1 / 255]
    assert luminance["original"] == pytest.approx(levels, abs=1e-4)
    assert luminance["enhanced"] == luminance["gated"] == luminance["original"]
    assert luminance["adjusted"] == pytest.approx([2 * level for level in levels], abs=1e-4)
    alpha = [1 / (1 + np.exp(-2 * level)) for level in levels]
    assert numbers["alpha"] == [pytest.approx([value] * 3, abs=1e-4) for value in alpha]
    mixed = [a * level + (1 - a) * 2 * level for a, level in zip(alpha, levels, strict=True)]
    assert luminance["output"] == pytest.approx(mixed, abs=1e-4)
    assert any("stand-in" in note for note in drawing.notes)
    json.dumps(numbers)


def test_every_image_has_a_line_and_every_stage_a_column(root):
    write_run(root, **MODULE)
    figure = stages.draw(figure_plan(3), root).figure
    assert len(figure.axes) == 3 * 5
    assert [axes.get_title() for axes in figure.axes[:5]] == list(stages.NAMES.values())
    assert all(len(axes.images) == 1 for axes in figure.axes)
    style.sign(figure, style.provenance(figure_plan(), (0,)))


def test_a_run_without_the_module_is_refused(root):
    write_run(root, enhancement=None)
    with pytest.raises(UserError, match="no run with an ALSA module"):
        stages.draw(figure_plan(), root)
