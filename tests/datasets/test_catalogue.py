import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.datasets import trees

from vreid.datasets.catalogue import scan_dataset
from vreid.params.errors import UserError

NAMES = st.sampled_from(
    [
        "0001_c001_00016450_0.jpg",
        "0001_c001_00016450_0.jpg 7",
        "7 0001",
        "0001 7",
        "0002 x",
        "",
        " ",
        "\t",
        "\x00",
        "é",
        "9" * 40,
    ]
)
LISTS = st.lists(st.one_of(NAMES, st.text(max_size=12)), max_size=6).map("\n".join)


def sentence_or_scan(spec, root):
    try:
        assert scan_dataset(spec, root).records
    except UserError as error:
        assert str(error).rstrip().endswith((".", "?"))


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    text=LISTS, which=st.sampled_from(["name_train.txt", "name_query.txt", "name_test.txt", "gt_index.txt"])
)
def test_any_list_of_veri776_gives_a_dataset_or_a_sentence(tmp_path, text, which):
    root = trees.veri(tmp_path)
    (root / which).write_bytes(text.encode("utf-8", "surrogatepass"))
    sentence_or_scan(trees.spec("veri776"), root)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=LISTS, which=st.sampled_from(["train_list.txt", "test_list_800.txt"]))
def test_any_list_of_numbers_gives_a_dataset_or_a_sentence(tmp_path, text, which):
    files = {"image/0001.jpg": 1, "train_test_split/train_list.txt": "0001 7"}
    root = trees.write(tmp_path, files | {"train_test_split/test_list_800.txt": "0001 7"})
    (root / "train_test_split" / which).write_bytes(text.encode("utf-8", "surrogatepass"))
    sentence_or_scan(trees.spec("image_lists", lists=["800"]), root)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=LISTS)
def test_any_label_list_gives_a_dataset_or_a_sentence(tmp_path, text):
    names = ("train_id_label", "test_query_label", "test_gallery_label")
    root = trees.write(tmp_path, {"a/1.jpg": 1, **{f"UAV-labels/{name}.txt": "a/1.jpg 7" for name in names}})
    (root / "UAV-labels/test_query_label.txt").write_bytes(text.encode("utf-8", "surrogatepass"))
    sentence_or_scan(trees.spec("uav_veid"), root)


@pytest.mark.parametrize("adapter", ["veri776", "veri_uav", "rgbir", "uav_veid", "identity_folders"])
def test_an_empty_folder_is_no_dataset(tmp_path, adapter):
    with pytest.raises(UserError, match=r"has n(o|either)"):
        scan_dataset(trees.spec(adapter), tmp_path)


@pytest.mark.parametrize("adapter", ["veri776", "veri_uav", "rgbir", "uav_veid", "identity_folders"])
def test_folders_that_lead_in_circles_end(tmp_path, adapter):
    for name in (
        "image_train",
        "image_query",
        "image_test",
        "query",
        "train",
        "gallery",
        "bounding_box_train",
    ):
        (tmp_path / name).symlink_to(tmp_path)
    (tmp_path / "bounding_box_test").symlink_to(tmp_path / "bounding_box_test")
    with pytest.raises(UserError):
        scan_dataset(
            trees.spec(adapter, train_classes=1 if adapter == "identity_folders" else None), tmp_path
        )


def test_an_archive_in_place_of_a_folder_is_called_what_it_is(tmp_path):
    (tmp_path / "VRU.zip").write_bytes(b"PK")
    for adapter, needed in (
        ("image_lists", {"lists": ["1200"]}),
        ("identity_folders", {"train_classes": 2}),
    ):
        with pytest.raises(
            UserError, match=r"VRU\.zip is a file, not a folder: if it is an archive, unpack it"
        ):
            scan_dataset(trees.spec(adapter, **needed), tmp_path / "VRU.zip")
