import pytest
from tests.datasets import trees

from vreid.params.listing import listing_digest, table_digest


def test_the_digest_is_that_of_names_and_sizes(tmp_path):
    a = trees.write(tmp_path / "a", {"x/1.jpg": "one", "2.jpg": "two"})
    b = trees.write(tmp_path / "b", {"2.jpg": "TWO", "x/1.jpg": "ONE"})
    assert listing_digest(a) == listing_digest(b)
    for change in ({"2.jpg": "longer"}, {"3.jpg": ""}, {"x/2.jpg": "two"}):
        c = trees.write(tmp_path / str(change), {"x/1.jpg": "one", "2.jpg": "two"} | change)
        assert listing_digest(c) != listing_digest(a)


@pytest.mark.parametrize("name", ["name_train.txt", "lists/Train.XML", "cars_annos.mat"])
def test_labels_count_with_their_content_and_images_with_their_size(tmp_path, name):
    a = trees.write(tmp_path / "a", {name: "1.jpg 7\n", "1.jpg": "one"})
    b = trees.write(tmp_path / "b", {name: "1.jpg 8\n", "1.jpg": "one"})
    assert listing_digest(a) != listing_digest(b)
    trees.write(b, {name: "1.jpg 7\n", "1.jpg": "two"})
    assert listing_digest(a) == listing_digest(b)


def test_clutter_does_not_count(tmp_path):
    a = trees.write(tmp_path / "a", {"1.jpg": "one"})
    b = trees.write(
        tmp_path / "b", {"1.jpg": "one", ".DS_Store": "x", "sub/Thumbs.db": "x", "__MACOSX/1.jpg": "x"}
    )
    assert listing_digest(a) == listing_digest(b)


def test_links_are_followed_but_not_in_circles(tmp_path):
    a = trees.write(tmp_path / "a", {"x/1.jpg": "one"})
    b = tmp_path / "b"
    b.mkdir()
    (b / "x").symlink_to(a / "x")
    assert listing_digest(a) == listing_digest(b)
    (b / "round").symlink_to(b)
    assert listing_digest(b) == listing_digest(a)
    (b / "self").symlink_to(b / "self")
    (b / "nowhere").symlink_to(b / "gone")
    assert listing_digest(b) != listing_digest(a)
    assert len(listing_digest(tmp_path / "gone")) == 64


def test_a_table_counts_with_the_sizes_of_its_files_alone(tmp_path):
    text = "path,pid,camid,split\n1.jpg,1,1,train\n2.jpg,1,2,train\n"
    root = trees.write(tmp_path, {"t.csv": text, "1.jpg": "one", "other.txt": "x"})
    first = table_digest(root / "t.csv")
    trees.write(root, {"other.txt": "changed", "1.jpg": "ONE"})
    assert table_digest(root / "t.csv") == first
    trees.write(root, {"2.jpg": "two"})
    second = table_digest(root / "t.csv")
    trees.write(root, {"t.csv": text.replace("2,train", "3,train")})
    assert len({first, second, table_digest(root / "t.csv")}) == 3


def test_a_parquet_table_counts_with_its_folder(tmp_path):
    root = trees.write(tmp_path, {"t.parquet": "x", "1.jpg": "one"})
    first = table_digest(root / "t.parquet")
    trees.write(root, {"1.jpg": "longer"})
    assert table_digest(root / "t.parquet") != first


def test_a_table_that_is_missing_or_none_has_a_digest_too(tmp_path):
    trees.write(tmp_path, {"a.csv": b"path\n\x00\n", "b.csv": "path\n" + "x" * 200_000})
    found = {table_digest(tmp_path / name) for name in ("a.csv", "b.csv", "gone.csv")}
    assert len(found) == 3
