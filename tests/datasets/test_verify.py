import hashlib
import json
import re

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.datasets import trees

from vreid.datasets.decode import UnreadableError, decode_rgb
from vreid.datasets.index import index_rows, read_index
from vreid.datasets.verify import verify_dataset
from vreid.params.errors import UserError

FIRST = f"image_train/{trees.VERI_TRAIN[0]}"


def verify(root, out, *, spec=None, **options):
    return verify_dataset(spec or trees.spec("veri776"), root, out / "v.parquet", out / "v.json", **options)


def test_the_index_describes_every_image(tmp_path):
    root = trees.veri(tmp_path / "raw")
    wide = trees.jpeg(3, size=(40, 30))
    trees.write(root, {FIRST: wide})
    verify(root, tmp_path)
    table = pq.read_table(tmp_path / "v.parquet")
    assert table.column_names == [
        *("path", "pid", "camid", "split", "lists", "spectra", "width", "height", "digest"),
    ]
    assert [str(table.schema.field(name).type) for name in ("pid", "camid", "width", "height")] == [
        *("int64", "int64", "int32", "int32"),
    ]
    assert table.slice(0, 1).to_pylist() == [
        {
            "path": FIRST,
            "pid": 2,
            "camid": 2,
            "split": "train",
            "lists": [],
            "spectra": [{"name": "rgb", "left": 0, "top": 0, "right": 40, "bottom": 30}],
            "width": 40,
            "height": 30,
            "digest": hashlib.sha256(wide).hexdigest(),
        }
    ]
    assert index_rows(tmp_path / "v.parquet") == 10
    assert read_index(tmp_path / "v.parquet", ["pid"]).num_rows == 10


def test_an_index_that_was_cut_short_is_refused_with_a_sentence(tmp_path):
    verify(trees.veri(tmp_path / "raw"), tmp_path)
    index = tmp_path / "v.parquet"
    index.write_bytes(index.read_bytes()[:700])
    with pytest.raises(UserError, match=r"v\.parquet is no index \(.*delete it and run the pipeline again"):
        read_index(index)


def test_processes_change_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("vreid.datasets.parallel.WORTH_A_WORKER", 1)
    monkeypatch.setattr("vreid.datasets.indexing.BLOCK", 3)
    root = trees.veri(tmp_path / "raw")
    seen = []
    verify(root, tmp_path / "one", progress=lambda done, total: seen.append((done, total)))
    verify(root, tmp_path / "two", workers=2)
    assert (tmp_path / "one/v.parquet").read_bytes() == (tmp_path / "two/v.parquet").read_bytes()
    assert (tmp_path / "one/v.json").read_bytes() == (tmp_path / "two/v.json").read_bytes()
    assert seen == [(3, 10), (6, 10), (9, 10), (10, 10)]


def test_row_groups_do_not_change_the_rows(tmp_path, monkeypatch):
    root = trees.veri(tmp_path / "raw")
    verify(root, tmp_path / "one")
    monkeypatch.setattr("vreid.datasets.indexing.BLOCK", 2)
    monkeypatch.setattr("vreid.datasets.indexing.ROW_GROUP", 4)
    verify(root, tmp_path / "two")
    assert pq.read_metadata(tmp_path / "two/v.parquet").num_row_groups > 1
    assert read_index(tmp_path / "one/v.parquet").equals(read_index(tmp_path / "two/v.parquet"))


def test_query_images_are_expected_to_be_copies_of_gallery_images(tmp_path):
    report = verify(trees.veri(tmp_path / "raw"), tmp_path)
    assert report.duplicates.query_copies == 2
    assert not report.duplicates.same_identity and not report.duplicates.different_identities
    assert report.measured["images"] == 8  # 3 + 5: a copy is counted once
    assert report.measured["query images"] == 2 and report.measured["cameras"] == 4


def test_other_copies_are_reported_by_what_they_contradict(tmp_path):
    a, b, c = (f"image_train/{name}" for name in trees.VERI_TRAIN)
    root = trees.veri(tmp_path / "raw")
    trees.write(
        root, {a: 1, b: 1, c: 2, f"image_test/{trees.VERI_TEST[2]}": 2, f"image_test/{trees.VERI_TEST[4]}": 3}
    )
    trees.write(root, {f"image_test/{trees.VERI_TEST[3]}": 3})
    found = verify(root, tmp_path).duplicates
    contradictions = [[a, b], [c, f"image_test/{trees.VERI_TEST[2]}"]]
    assert sorted(found.different_identities) == sorted(contradictions)
    assert found.train_and_test == [[c, f"image_test/{trees.VERI_TEST[2]}"]]
    assert found.same_identity == [[f"image_test/{name}" for name in trees.VERI_TEST[3:]]]


def test_damage_stops_with_a_sentence_and_leaves_a_report_but_no_index(tmp_path):
    root = trees.veri(tmp_path / "raw")
    trees.write(root, {FIRST: trees.jpeg(1)[:-60], f"image_train/{trees.VERI_TRAIN[1]}": b""})
    (root / "image_query" / trees.VERI_QUERY[0]).unlink()
    with pytest.raises(UserError) as caught:
        verify(root, tmp_path)
    sentence = str(caught.value)
    assert "3 files are missing or damaged" in sentence
    assert f"{trees.VERI_QUERY[0]}: it is missing, though name_query.txt, line 1 names it" in sentence
    assert f"{FIRST}: the image is truncated" in sentence and "the file is empty" in sentence
    assert "under `allow`" in sentence and "v.damaged.md" in sentence
    assert sorted(path.name for path in tmp_path.iterdir()) == ["raw", "v.damaged.json", "v.damaged.md"]
    assert json.loads((tmp_path / "v.damaged.json").read_text())["status"] == "damaged"


def test_allowed_damage_is_left_out_and_a_mended_set_forgets_the_complaint(tmp_path):
    root = trees.veri(tmp_path / "raw")
    trees.write(root, {FIRST: b"no image"})
    with pytest.raises(UserError, match="no image of a known kind"):
        verify(root, tmp_path)
    report = verify(root, tmp_path, spec=trees.spec("veri776", allow=["image_train/0002_*"]))
    assert report.status == "verified" and index_rows(tmp_path / "v.parquet") == 9
    assert [str(damage) for damage in report.damage] == [f"{FIRST}: it is no image of a known kind"]
    assert not (tmp_path / "v.damaged.md").exists()
    assert "that are allowed: 1" in (tmp_path / "v.md").read_text()


def test_all_damage_allowed_is_no_dataset(tmp_path):
    root = trees.veri(tmp_path / "raw")
    for path in root.rglob("*.jpg"):
        path.write_bytes(b"")
    with pytest.raises(UserError, match="none of its 10 images can be read"):
        verify(root, tmp_path, spec=trees.spec("veri776", allow=["*"]))


COUNTS = [
    {"source": "release", "images": 8, "identities": 4, "train": {"images": 3, "identities": 2}},
    {"source": "loader", "identities": 3, "train": {"images": 4}, "cameras": 20},
]


def test_counts_are_compared_with_every_source(tmp_path):
    root = trees.veri(tmp_path / "raw")
    report = verify(root, tmp_path, spec=trees.spec("veri776", counts=COUNTS))
    found = {entry.what: (entry.measured, entry.agrees) for entry in report.counts}
    assert found == {
        "images": (8, True),
        "identities": (4, True),
        "cameras": (4, False),
        "train images": (3, True),
        "train identities": (2, True),
    }
    text = (tmp_path / "v.md").read_text()
    assert "| cameras | 4 | **differs**: 20 (loader) |" in text
    assert "| train images | 3 | 3 (release); 4 (loader) |" in text


def test_queries_with_a_match_are_checked_against_the_published_number(tmp_path):
    """Vehicle 5 is seen by cameras 3 and 16, vehicle 4 by cameras 1 and 2: both queries keep a match."""
    root = trees.veri(tmp_path / "raw")
    counts = [{"source": "decimals", "valid_queries": 1, "inferred": True}]
    report = verify(root, tmp_path, spec=trees.spec("veri776", counts=counts))
    assert report.measured["queries with a match"] == 2
    assert "| queries with a match | 2 | **differs**: 1 (decimals) |" in (tmp_path / "v.md").read_text()
    alone = root / "image_test" / "0004_c002_00000500_0.jpg"
    names = root / "name_test.txt"
    names.write_text(names.read_text().replace(f"{alone.name}\n", ""))
    alone.unlink()
    report = verify(root, tmp_path, spec=trees.spec("veri776", counts=counts))
    assert [(entry.measured, entry.agrees) for entry in report.counts] == [(1, True)]
    assert report.status == "verified"


def test_a_copy_with_fewer_images_than_any_source_says_is_incomplete(tmp_path):
    root = trees.veri(tmp_path / "raw")
    counts = [{"source": "a", "train": {"images": 5}}, {"source": "b", "train": {"images": 4}}]
    with pytest.raises(
        UserError, match=r"incomplete: train images: 3 instead of 4. Fetch the rest, or write `counts`"
    ):
        verify(root, tmp_path, spec=trees.spec("veri776", counts=counts))
    assert (
        verify(root, tmp_path, spec=trees.spec("veri776", counts=counts, allow=["counts"])).status
        == "verified"
    )
    assert verify(root, tmp_path, spec=trees.spec("veri776", counts=counts), source="synthetic").counts == []
    near = trees.spec("veri776", counts=counts, complete_from=0.7)
    assert verify(root, tmp_path, spec=near).status == "verified"


SIZES = st.one_of(st.none(), st.integers(1, 12), st.integers(1, 10**9))
PARTS = st.fixed_dictionaries({"images": SIZES, "identities": SIZES})
PUBLISHED = st.fixed_dictionaries(
    {"source": st.just("s"), "images": SIZES, "cameras": SIZES, "files": SIZES},
    optional={"train": PARTS, "query": PARTS, "gallery": PARTS, "lists": st.just({"none": {"images": 3}})},
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(counts=st.lists(PUBLISHED, max_size=3), share=st.floats(0.01, 1))
def test_whatever_is_published_the_copy_is_verified_or_a_sentence_says_what_lacks(tmp_path, counts, share):
    spec = trees.spec("veri776", counts=counts, complete_from=share)
    root = trees.veri(tmp_path / "raw")
    try:
        report = verify_dataset(spec, root, tmp_path / "i.parquet", tmp_path / "i.json")
    except UserError as error:
        assert re.search(r"The copy is incomplete: .* instead of [0-9]+", str(error))
        assert (tmp_path / "i.damaged.md").exists()
    else:
        smallest = min((entry["images"] for entry in counts if entry["images"]), default=8)
        assert report.measured["images"] == 8 >= share * smallest


def test_identities_in_train_and_test_are_named(tmp_path):
    names = [*trees.VERI_TEST, "0001_c004_00000001_0.jpg"]
    root = trees.veri(tmp_path / "raw", **{"name_test.txt": "\n".join(names), f"image_test/{names[-1]}": 99})
    report = verify(root, tmp_path)
    assert report.identities_in_train_and_test == [1]
    assert "## Identities in both train and test: 1" in report.markdown()


def test_a_report_holds_no_more_than_the_first_files_and_no_machine_path(tmp_path):
    more = {f"image_train/{n:04}_c001_0.jpg": 1 for n in range(100, 180)}
    root = trees.veri(tmp_path / "raw", **more)
    report = verify(root, tmp_path)
    plain = json.loads((tmp_path / "v.json").read_text())
    assert plain["unlisted"]["number"] == 80 and len(plain["unlisted"]["first"]) == 50
    assert "… and 30 more" in report.markdown()
    assert str(tmp_path) not in (tmp_path / "v.json").read_text() + report.markdown()


def test_symbolic_links_in_a_circle_are_unreadable_images(tmp_path):
    root = trees.veri(tmp_path / "raw")
    loop = root / "image_train" / trees.VERI_TRAIN[0]
    loop.unlink()
    loop.symlink_to(loop)
    (root / "image_train" / "round").symlink_to(root)
    with pytest.raises(UserError, match=r"1 file is missing or damaged"):
        verify(root, tmp_path)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(share=st.floats(0, 0.97))
def test_a_jpeg_cut_anywhere_is_noticed(share):
    whole = trees.jpeg(1, size=(32, 32))
    with pytest.raises(UnreadableError):
        decode_rgb(whole[: int(len(whole) * share)])


@settings(max_examples=100, deadline=None)
@given(
    st.binary(max_size=200),
    st.integers(0, 600),
    st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"II*\x00", b"BM"]),
)
def test_garbage_is_an_image_or_unreadable_and_nothing_else(garbage, place, magic):
    whole = trees.jpeg(1)
    for content in (magic + garbage, whole[:place] + garbage + whole[place:]):
        try:
            assert decode_rgb(content).mode == "RGB"
        except UnreadableError as error:
            assert str(error)


def test_grey_transparent_and_turned_pictures_become_rgb():
    import io

    from PIL import Image

    def encoded(image, **options):
        buffer = io.BytesIO()
        image.save(buffer, "PNG", **options)
        return buffer.getvalue()

    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert (np.asarray(decode_rgb(encoded(Image.fromarray(grey)))) == grey[..., None]).all()
    assert decode_rgb(encoded(Image.new("RGBA", (4, 3), (1, 2, 3, 0)))).getpixel((0, 0)) == (1, 2, 3)
    turned = Image.Exif()
    turned[0x0112] = 6  # the camera was held upright
    assert decode_rgb(encoded(Image.new("RGB", (4, 3)), exif=turned)).size == (3, 4)
    with pytest.raises(UnreadableError, match="only 8 bits per channel"):
        decode_rgb(encoded(Image.fromarray(grey.astype(np.uint16))))
