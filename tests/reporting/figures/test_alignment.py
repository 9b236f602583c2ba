"""The figure of runs whose transforms are known, on a dataset of which only the headings are real."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import save_file
from tests.synthetic.small import small_spec

from vreid.models.factory import build_model
from vreid.params.errors import UserError
from vreid.params.figures import Alignment
from vreid.params.plan import DatasetPlan, FigurePlan, MethodPlan, ResultPlan
from vreid.params.read import read_yaml
from vreid.params.run import TrainConfig
from vreid.reporting.figures import alignment, style
from vreid.reporting.figures.draw import draw_figure
from vreid.synthetic.heading import headings

SIDE, RUN, PACK, INDEX = 32, "sanet-sanet-uav_veid-s0-0123456789", "data/packed/uav", "data/index.parquet"
EVALUATION = f"runs/{RUN}/eval-0"
SPEC = small_spec(style="uav", train_ids=2, test_ids=12, models=3, twins=0.0)


def config(**model):
    backbone = {"name": "resnet50", "width": 0.125, "weights": None}
    return TrainConfig.model_validate_json(
        json.dumps(
            {
                "dataset": "uav_veid",
                "source": "synthetic",
                "data": "0",
                "code": "0",
                "seed": 0,
                "input": {"height": SIDE, "width": SIDE},
                "model": {"name": "sanet", "parts": 2, "alignment": True, "backbone": backbone} | model,
                "losses": [{"name": "cross_entropy"}],
                "sampler": {"name": "pk", "ids": 2, "images_per_id": 2},
                "optimizer": {"name": "adam", "lr": 0.0005},
                "schedule": {"name": "cosine", "epochs": 1},
                "augment": [],
            }
        )
    )


def write_run(root, settings=None, theta=None):
    """Save an untrained run whose alignment answers with the six numbers `theta`, whatever it sees."""
    settings = settings or config()
    torch.manual_seed(0)
    model = build_model(settings.model, 2)
    if theta is not None:
        model.alignment.regression[-1].bias.data.copy_(torch.tensor(theta))
    folder = root / "runs" / RUN
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(settings.model_dump_json())
    state = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    save_file(state, folder / "model.safetensors", {"classes": "2"})


def figure_plan(source="synthetic", images=6):
    raw = read_yaml(Path("params/datasets/uav_veid.yaml"))
    dataset = DatasetPlan.model_validate_json(
        json.dumps(
            {
                "name": "uav_veid",
                "source": source,
                "present": True,
                "raw": "",
                "version": "uav_veid-0",
                "spec": raw | {"render": SPEC.model_dump()},
                "index": INDEX,
                "splits": "",
                "darkened": None,
                "protocols": ["uav_veid"],
            }
        )
    )
    result = ResultPlan(
        run=RUN,
        experiment="sanet",
        dataset="uav_veid",
        protocol="uav_veid",
        pack=PACK,
        features="",
        evaluation=EVALUATION,
    )
    return FigurePlan(
        paper="sanet",
        figure="figure3",
        title="Figure 3",
        caption="Self-alignment",
        citation="",
        preset="demo",
        preset_label="demo",
        source=source,
        seeds=(0,),
        spec=Alignment(kind="alignment", caption="Self-alignment", run="sanet", images=images),
        methods=(MethodPlan(label="sanet", experiment="sanet", status="run", results=(result,)),),
        datasets={"uav_veid": dataset},
    )


@pytest.fixture(scope="module")
def known():
    """The heading by path, reckoned once."""
    return headings("uav_veid", SPEC)


@pytest.fixture
def root(tmp_path, known, monkeypatch):
    """Write index and pack of the dataset's images, which are noise."""
    monkeypatch.setattr(alignment, "headings", lambda *asked: known if asked == ("uav_veid", SPEC) else {})
    paths = sorted(known)
    folder = tmp_path / PACK
    folder.mkdir(parents=True)
    pq.write_table(pa.table({"path": paths}), tmp_path / INDEX)
    rng = np.random.default_rng(0)
    splits = {"image_train": 0, "images_query_test": 1, "images_gallery_test": 2}
    codes = [splits[path.split("/")[0]] for path in paths]
    np.save(folder / "images.npy", rng.integers(0, 256, (len(paths), SIDE, SIDE, 3)).astype(np.uint8))
    np.save(folder / "pids.npy", np.arange(len(paths)))
    np.save(folder / "camids.npy", np.zeros(len(paths), np.int64))
    np.save(folder / "splits.npy", np.array(codes, np.uint8))
    (folder / "pack.json").write_text(json.dumps({"spectra": ["rgb"], "height": SIDE, "width": SIDE}))
    return tmp_path


def turning(angles):
    c, s = np.cos(angles), np.sin(angles)
    zero = np.zeros_like(c)
    return np.stack([np.stack([c, -s, zero], -1), np.stack([s, c, zero], -1)], axis=1).astype(np.float32)


def test_an_untrained_transform_changes_no_heading(root):
    write_run(root)
    drawing = alignment.draw(figure_plan(), root)
    numbers = drawing.numbers
    assert numbers["images"] == 12 * 4
    assert numbers["run"] == RUN
    assert len(numbers["rows"]) == 6
    assert numbers["turn"]["mean"] == 0
    for name in ("heading", "axis"):
        assert numbers[name]["before"] == numbers[name]["after"] == numbers[name]["by_rotation"]
        assert numbers[name]["gain"] == [0, 0]
    assert numbers["heading"]["before"]["resultant"] < 0.4
    assert "no difference can be seen" in drawing.notes[2]
    assert RUN in drawing.notes[0]
    json.dumps(numbers)


def test_before_is_the_heading_of_the_test_images(root, known):
    write_run(root)
    tested = [angle for path, angle in known.items() if not path.startswith("image_train")]
    found = alignment.draw(figure_plan(), root).numbers["heading"]["before"]
    assert found["resultant"] == pytest.approx(abs(np.exp(1j * np.array(tested)).mean()), abs=1e-4)


def test_the_transforms_are_those_of_the_network(root):
    # theta leads back to the input: a quarter turn of the coordinates with y downwards.
    write_run(root, theta=[0.0, -1.0, 0.0, 1.0, 0.0, 0.0])
    numbers = alignment.draw(figure_plan(), root).numbers
    assert numbers["turn"]["direction"] == pytest.approx(90)
    assert numbers["turn"]["resultant"] == pytest.approx(1)
    turned = numbers["heading"]["after"]["direction"] - numbers["heading"]["before"]["direction"]
    assert turned % 360 == pytest.approx(90, abs=0.01)
    assert numbers["heading"]["gain"] == pytest.approx([0, 0], abs=1e-4)


def test_perfect_alignment_is_seen_as_one(root, known, monkeypatch):
    paths = pq.read_table(root / INDEX)["path"].to_pylist()

    def perfect(run, pack, rows):
        return turning(np.pi / 4 - np.array([known[paths[row]] for row in rows]))

    monkeypatch.setattr(alignment, "_transforms", perfect)
    drawing = alignment.draw(figure_plan(), root)
    for name in ("heading", "axis"):
        after = drawing.numbers[name]["after"]
        assert after["resultant"] == pytest.approx(1, abs=1e-4)
        assert after["direction"] == pytest.approx(45, abs=0.01)
        assert drawing.numbers[name]["by_rotation"]["error"] == pytest.approx(0, abs=0.01)
    assert "more alike than before" in drawing.notes[2]


def test_on_real_images_no_heading_is_known(root):
    write_run(root)
    drawing = alignment.draw(figure_plan("real"), root)
    assert "heading" not in drawing.numbers
    assert drawing.notes[-1].startswith("Where vehicles head is known of rendered views")


def test_pictures_stand_beside_their_transforms(root):
    write_run(root, theta=[0.0, -1.0, 0.0, 1.0, 0.0, 0.0])
    drawing = alignment.draw(figure_plan(images=3), root)
    images = np.load(root / PACK / "images.npy")
    [axes] = drawing.figure.axes
    tiles = [image.get_array() / 255 for image in axes.get_images()]
    assert len(tiles) == 6
    for number, row in enumerate(drawing.numbers["rows"]):
        before, after = tiles[2 * number : 2 * number + 2]
        assert np.allclose(before, images[row] / 255)
        assert np.allclose(after, np.rot90(before), atol=0.005)  # a quarter counter-clockwise


def test_the_same_run_gives_the_same_files(root, monkeypatch):
    write_run(root)
    per_query = root / EVALUATION / "per_query.parquet"
    per_query.parent.mkdir()
    per_query.touch()
    monkeypatch.setattr(style, "DPI", 40)
    for name in ("one", "other"):
        draw_figure(figure_plan(), root / name, root)
    for suffix in ("png", "pdf", "json"):
        one, other = (root / name / f"figure3.{suffix}" for name in ("one", "other"))
        assert one.read_bytes() == other.read_bytes()


def test_another_network_is_refused(root):
    model = {"name": "se_densenet", "se": False, "mid_features": False}
    backbone = {"name": "densenet121", "width": 0.125, "weights": None}
    plain = json.loads(config().model_dump_json()) | {"model": model | {"backbone": backbone}}
    write_run(root, TrainConfig.model_validate_json(json.dumps(plain)))
    with pytest.raises(UserError, match="no run of SANet"):
        alignment.draw(figure_plan(), root)
