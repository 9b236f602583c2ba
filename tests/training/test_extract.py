import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from vreid.datasets.packed import PackedImages
from vreid.models.factory import build_model
from vreid.models.normalisation import MEAN, STD
from vreid.params.errors import UserError
from vreid.training.extract import extract


def features(run):
    names = ("before_neck", "after_neck", "after_neck_mirrored", "rows")
    return {name: np.load(run / "features" / f"{name}.npy") for name in names}


@pytest.fixture(scope="module")
def extracted(trained, pack):
    extract(trained, pack)
    return features(trained)


@pytest.fixture
def in_double(float64, trained, pack, tmp_path):
    """The features of the same network and images, computed and written in double precision."""
    extract(trained, pack, out=tmp_path / "features")
    return features(tmp_path)


def test_rows_are_the_queries_and_then_the_gallery(extracted, pack):
    packed = PackedImages.open(pack)
    expected = [n for split in (1, 2) for n, s in enumerate(packed.splits) if s == split]
    assert extracted["rows"].tolist() == expected
    assert extracted["rows"].dtype == np.int64
    assert extracted["before_neck"].dtype == extracted["after_neck"].dtype == np.float32


def test_features_are_those_of_each_image_alone(in_double, pack, config, trained):
    model = build_model(config().model, 9)
    model.load_state_dict(load_file(trained / "model.safetensors"))
    model.eval()
    images = PackedImages.open(pack).images
    for place, row in list(enumerate(in_double["rows"]))[::4]:
        normalised = (images[row] / 255.0 - np.array(MEAN)) / np.array(STD)
        with torch.no_grad():
            output = model(torch.from_numpy(normalised).permute(2, 0, 1)[None])
        for name in ("before_neck", "after_neck"):
            np.testing.assert_allclose(in_double[name][place], getattr(output, name)[0], atol=1e-9)


def test_mirrored_features_are_those_of_the_mirrored_images(in_double, pack, config, trained):
    model = build_model(config().model, 9)
    model.load_state_dict(load_file(trained / "model.safetensors"))
    model.eval()
    row = in_double["rows"][0]
    image = PackedImages.open(pack).images[row][:, ::-1]
    normalised = (image / 255.0 - np.array(MEAN)) / np.array(STD)
    with torch.no_grad():
        output = model(torch.from_numpy(normalised).permute(2, 0, 1)[None])
    got = in_double["after_neck_mirrored"][0]
    np.testing.assert_allclose(got, output.after_neck[0], atol=1e-9)
    assert np.abs(got - in_double["after_neck"][0]).max() > 1e-3


def test_features_do_not_depend_on_how_images_are_batched(in_double, trained, pack, tmp_path, monkeypatch):
    monkeypatch.setattr("vreid.training.extract._BATCH", 5)
    extract(trained, pack, out=tmp_path / "again" / "features")
    again = features(tmp_path / "again")
    assert (again["rows"] == in_double["rows"]).all()
    for name in ("before_neck", "after_neck"):
        np.testing.assert_allclose(again[name], in_double[name], atol=1e-9)


def test_a_pack_of_another_size_is_a_sentence(trained, other_pack):
    with pytest.raises(UserError, match="64 x 64 pixels"):
        extract(trained, other_pack(size=64))


def test_images_of_another_dataset_may_be_extracted(trained, other_pack):
    extract(trained, other_pack(identities=2))
    assert len(features(trained)["rows"]) == 3 * 6


def test_features_may_go_to_another_folder(trained, pack, extracted, tmp_path):
    extract(trained, pack, out=tmp_path / "features-darkened")
    assert len(list((tmp_path / "features-darkened").iterdir())) == 5
    assert (np.load(tmp_path / "features-darkened" / "rows.npy") == extracted["rows"]).all()


@pytest.mark.usefixtures("float64")
def test_the_centre_of_larger_images_is_taken(trained, other_pack, tmp_path, config):
    run = tmp_path / "run"
    run.mkdir()
    (run / "model.safetensors").symlink_to(trained / "model.safetensors")
    stored = config(input={"height": 32, "width": 32, "stored": {"height": 40, "width": 44}})
    (run / "config.json").write_text(stored.model_dump_json())
    large = other_pack(size=40)
    images = np.pad(np.load(large / "images.npy"), [(0, 0), (0, 0), (2, 2), (0, 0)])
    np.save(large / "images.npy", images)
    about = {"spectra": ["rgb"], "height": 40, "width": 44}
    (large / "pack.json").write_text(json.dumps(about))
    extract(run, large)
    got = features(run)
    model = build_model(config().model, 9)
    model.load_state_dict(load_file(trained / "model.safetensors"))
    image = images[got["rows"][5], 4:36, 6:38]
    normalised = (image / 255.0 - np.array(MEAN)) / np.array(STD)
    with torch.no_grad():
        output = model.eval()(torch.from_numpy(normalised).permute(2, 0, 1)[None])
    np.testing.assert_allclose(got["after_neck"][5], output.after_neck[0], atol=1e-9)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("model.safetensors", b"", "holds no trained network"),
        ("model.safetensors", b"\x08\x00\x00\x00\x00\x00\x00\x00{}      ", "holds no trained network"),
        ("config.json", b"{", "holds no configuration of a run"),
        ("config.json", b'{"dataset": "tiny"}', "holds no configuration of a run"),
    ],
)
def test_a_damaged_file_of_the_run_is_a_sentence(trained, pack, tmp_path, name, content, sentence):
    run = shutil.copytree(trained, tmp_path / "run")
    (run / name).write_bytes(content)
    with pytest.raises(UserError, match=f"{name} {sentence}.*delete"):
        extract(run, pack)
