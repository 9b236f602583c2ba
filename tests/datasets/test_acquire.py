import hashlib
import zipfile

import pytest
from tests.datasets import trees

from vreid.datasets import acquire
from vreid.datasets.acquire import acquire_dataset, add_dataset
from vreid.params.errors import UserError

STEPS = ["Write to the owners.", "Wait."]


def archive(path, tree):
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as opened:
        for file in sorted(tree.rglob("*")):
            if file.is_file():
                opened.write(file, f"VeRi/{file.relative_to(tree).as_posix()}")
    return path


def test_by_hand_means_a_how_to_until_the_archive_lies_there(tmp_path):
    spec = trees.spec("veri776", steps=STEPS, terms="Research only.")
    root, downloads = tmp_path / "raw" / "veri776", tmp_path / "downloads" / "veri776"
    with pytest.raises(UserError) as caught:
        acquire_dataset("veri776", spec, root, downloads)
    sentence = str(caught.value)
    assert "A dataset has to be fetched by hand" in sentence and "Terms: Research only." in sentence
    assert "1. Write to the owners." in sentence and "2. Wait." in sentence
    assert f"into {downloads}" in sentence and "vreid data add veri776 FOLDER" in sentence
    archive(downloads / "whatever.zip", trees.veri(tmp_path / "tree"))
    (downloads / "notes.txt").write_text("not an archive")
    acquire_dataset("veri776", spec, root, downloads)
    assert (root / "VeRi" / "name_train.txt").is_file()
    (downloads / "whatever.zip").unlink()
    acquire_dataset("veri776", spec, root, downloads)  # it is there: nothing to do


def test_named_archives_are_checked_and_joined(tmp_path):
    downloads, root = tmp_path / "downloads", tmp_path / "raw"
    first = archive(downloads / "a.zip", trees.write(tmp_path / "a", {"x.txt": "1"}))
    (downloads / "annotations.mat").write_bytes(b"mat")
    digest = "md5:" + hashlib.md5(first.read_bytes(), usedforsecurity=False).hexdigest()
    names = [{"name": "a.zip", "digest": digest}, {"name": "annotations.mat"}, {"name": "b.zip"}]
    spec = trees.spec("veri776", acquire={"kind": "by_hand", "archives": names})
    with pytest.raises(UserError, match=r"downloads lacks b.zip"):
        acquire_dataset("d", spec, root, downloads)
    archive(downloads / "b.zip", trees.write(tmp_path / "b", {"y.txt": "2"}))
    acquire_dataset("d", spec, root, downloads)
    assert sorted(p.relative_to(root).as_posix() for p in root.rglob("*.*")) == [
        "VeRi/x.txt",
        "VeRi/y.txt",
        "annotations.mat",
    ]


def test_a_wrong_archive_is_put_aside(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"x")
    spec = trees.spec(
        "veri776", acquire={"kind": "by_hand", "archives": [{"name": "a.zip", "digest": "md5:" + "0" * 32}]}
    )
    with pytest.raises(UserError, match=r"instead of 0{32}\. It was put there by hand; .* a.zip.rejected"):
        acquire_dataset("d", spec, tmp_path / "raw", tmp_path)
    assert (tmp_path / "a.zip.rejected").exists()


def download_spec():
    way = {"kind": "download", "archives": [{"name": "a.zip", "url": "http://127.0.0.1:1/a.zip"}]}
    return trees.spec("veri776", acquire=way, steps=STEPS)


def test_a_download_is_unpacked(tmp_path, monkeypatch):
    tree = trees.veri(tmp_path / "tree")
    monkeypatch.setattr(acquire, "fetch", lambda url, out, digest, progress: archive(out, tree))
    acquire_dataset("veri776", download_spec(), tmp_path / "raw", tmp_path / "downloads")
    assert (tmp_path / "raw/VeRi/name_test.txt").is_file()


def test_a_download_that_fails_says_what_to_do_by_hand(tmp_path):
    with pytest.raises(UserError, match=r"(?s)cannot be fetched.*By hand: Write to the owners. Wait."):
        acquire_dataset("d", download_spec(), tmp_path / "raw", tmp_path)
    assert not (tmp_path / "raw").exists()


def test_a_bad_archive_leaves_nothing_behind(tmp_path):
    downloads = tmp_path / "downloads"
    archive(downloads / "a.zip", trees.write(tmp_path / "a", {"x.txt": "1"}))
    with zipfile.ZipFile(downloads / "b.zip", "w") as opened:
        opened.writestr("../out.txt", "x")
    with pytest.raises(UserError, match="leads out of its folder"):
        acquire_dataset("d", trees.spec("veri776"), tmp_path / "raw", downloads)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "downloads"]


def test_a_folder_is_added_as_a_link_if_it_holds_the_dataset(tmp_path):
    tree, root = trees.veri(tmp_path / "mine"), tmp_path / "raw" / "real" / "veri776"
    assert add_dataset(trees.spec("veri776"), tree, root) == 10
    assert root.resolve() == tree.resolve()
    other = trees.veri(tmp_path / "other")
    add_dataset(trees.spec("veri776"), other, root)
    assert root.resolve() == other.resolve()
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="has no image_train"):
        add_dataset(trees.spec("veri776"), tmp_path / "empty", root)
    assert root.resolve() == other.resolve()
    with pytest.raises(UserError, match="is a folder of its own, not a link"):
        add_dataset(trees.spec("veri776"), other, tree)


def test_a_link_that_leads_nowhere_is_explained(tmp_path):
    (tmp_path / "raw").symlink_to(tmp_path / "gone")
    with pytest.raises(
        UserError, match=r"raw is a link to .*gone, which is gone\. .* vreid data add d FOLDER"
    ):
        acquire_dataset("d", trees.spec("veri776"), tmp_path / "raw", tmp_path / "downloads")
