"""What DVC versions of a dataset: names that follow its content, and the counts of its index."""

import json
from pathlib import Path

import pytest

from vreid.params.errors import UserError
from vreid.params.plan import DatasetPlan
from vreid.params.resolve import load
from vreid.reporting.manifest import write_manifest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def dataset() -> DatasetPlan:
    return load(ROOT / "params", "demo").dataset("veri776")


def manifest(dataset: DatasetPlan, root: Path) -> dict:
    write_manifest(dataset, root / "reports", root)
    return json.loads((root / "reports/veri776.json").read_text())


def write_counts(dataset: DatasetPlan, root: Path, text: str) -> None:
    file = (root / dataset.index).with_suffix(".json")
    file.parent.mkdir(parents=True)
    file.write_text(text)


def test_it_has_version_files_and_counts(dataset: DatasetPlan, tmp_path: Path):
    write_counts(dataset, tmp_path, '{"measured": {"images": 960, "identities": 80}, "remarks": []}')
    found = manifest(dataset, tmp_path)
    assert (found["dataset"], found["source"], found["present"]) == ("veri776", "synthetic", True)
    assert found["version"] == dataset.version
    assert found["files"] == [dataset.index, dataset.splits, dataset.darkened]
    assert found["measured"] == {"images": 960, "identities": 80}


def test_a_dataset_that_nobody_prepared_has_no_counts(dataset: DatasetPlan, tmp_path: Path):
    assert manifest(dataset, tmp_path)["measured"] is None


def test_another_description_is_another_manifest(dataset: DatasetPlan, tmp_path: Path):
    renamed = dataset.spec.model_copy(update={"title": "VeRi"})
    changed = dataset.model_copy(update={"spec": renamed})
    assert manifest(changed, tmp_path)["described"] != manifest(dataset, tmp_path)["described"]


def test_damaged_counts_are_a_sentence(dataset: DatasetPlan, tmp_path: Path):
    write_counts(dataset, tmp_path, '{"measured"')
    with pytest.raises(UserError, match=r"holds no counts .*: delete it"):
        manifest(dataset, tmp_path)
