import pytest
from tests.datasets import trees

from vreid.datasets.status import states
from vreid.datasets.verify import verify_dataset
from vreid.params.errors import UserError

SPEC = trees.spec("veri776")


def verified(data, source, name, folder, spec=SPEC):
    index = data / "index" / source / name
    verify_dataset(spec, folder, index.with_suffix(".parquet"), index.with_suffix(".json"), source=source)


def found(data, spec=SPEC):
    return {
        (s.source, s.folder.name): (s.word, s.images, s.identities) for s in states({"veri776": spec}, data)
    }


def test_each_dataset_has_a_state_for_each_source(tmp_path):
    assert found(tmp_path) == {
        ("real", "veri776"): ("absent", None, None),
        ("synthetic", "veri776"): ("absent", None, None),
    }
    root = trees.veri(tmp_path / "raw/real/veri776")
    small = trees.veri(tmp_path / "raw/synthetic/veri776-11111111")
    trees.veri(tmp_path / "raw/synthetic/veri776-22222222/download")
    verified(tmp_path, "synthetic", "veri776-33333333", small)
    assert found(tmp_path) == {
        ("real", "veri776"): ("present", 10, 4),
        ("synthetic", "veri776-11111111"): ("verified", 8, 4),
        ("synthetic", "veri776-22222222"): ("present", 10, 4),
    }
    verified(tmp_path, "real", "veri776-44444444", root)
    assert found(tmp_path)["real", "veri776"] == ("verified", 8, 4)
    (root / "image_train" / trees.VERI_TRAIN[0]).unlink()
    assert found(tmp_path)["real", "veri776"][0] == "present"  # it is not what was verified
    (root / "name_train.txt").unlink()
    states_ = list(states({"veri776": SPEC}, tmp_path))
    assert states_[0].word == "incomplete" and "has no name_train.txt" in states_[0].why


def test_damaged_and_incomplete_sets_say_why(tmp_path):
    root = trees.veri(tmp_path / "raw/real/veri776", **{f"image_train/{trees.VERI_TRAIN[0]}": b"x"})
    with pytest.raises(UserError):
        verified(tmp_path, "real", "veri776-1", root)
    state = next(states({"veri776": SPEC}, tmp_path))
    assert (state.word, state.images, state.why) == ("damaged", 7, "1 files missing or damaged")
    trees.write(root, {f"image_train/{trees.VERI_TRAIN[0]}": 1})
    spec = trees.spec("veri776", counts=[{"source": "s", "images": 100}])
    with pytest.raises(UserError):
        verified(tmp_path, "real", "veri776-1", root, spec)
    state = next(states({"veri776": spec}, tmp_path))
    assert (state.word, state.images, state.why) == ("incomplete", 8, "images: 8 instead of 100")


def test_reports_that_are_none_are_passed_over(tmp_path):
    trees.veri(tmp_path / "raw/real/veri776")
    trees.write(
        tmp_path / "index/real", {"veri776-1.json": "[]", "veri776-2.json": "{", "veri776-3.json": "{}"}
    )
    assert found(tmp_path)["real", "veri776"] == ("present", 10, 4)
