import filecmp
import json
import os
import shutil

import numpy as np
import pytest
from PIL import Image
from tests.datasets import trees

from vreid.datasets import pack as pack_module
from vreid.datasets.darken import darkened_rows, write_darkened
from vreid.datasets.pack import needed_bytes, pack_dataset
from vreid.datasets.packed import PackedImages
from vreid.datasets.resize import darken, fitted
from vreid.datasets.verify import verify_dataset
from vreid.params.dataset import Darkened
from vreid.params.errors import UserError


@pytest.fixture
def data(tmp_path):
    root = trees.veri(tmp_path / "raw")
    verify_dataset(trees.spec("veri776"), root, tmp_path / "i.parquet", tmp_path / "i.json")
    return tmp_path


def pack(data, out="pack", **options):
    size = {"height": 12, "width": 10}
    pack_dataset(data / "i.parquet", data / "raw", data / out, **(size | options))
    return PackedImages.open(data / out)


def same_files(a, b):
    names = sorted(path.name for path in a.iterdir())
    assert names == sorted(path.name for path in b.iterdir())
    return filecmp.cmpfiles(a, b, names, shallow=False) == (names, [], [])


def test_every_row_is_the_resized_image(data):
    packed = pack(data)
    assert packed.images.shape == (10, 12, 10, 3) and packed.images.dtype == np.uint8
    assert packed.pids.tolist() == [2, 1, 1, 5, 4, 5, 5, 5, 4, 4]
    assert packed.camids.tolist() == [2, 1, 3, 3, 1, 3, 3, 16, 1, 2]
    assert packed.splits.tolist() == [0, 0, 0, 1, 1, 2, 2, 2, 2, 2]
    assert packed.pids.dtype == packed.camids.dtype == np.int64 and packed.splits.dtype == np.uint8
    assert [packed.rows(split).tolist() for split in ("train", "query", "gallery")] == [
        [0, 1, 2],
        [3, 4],
        [5, 6, 7, 8, 9],
    ]
    with Image.open(data / "raw/image_train" / trees.VERI_TRAIN[1]) as image:
        expected = np.asarray(image.convert("RGB").resize((10, 12), Image.Resampling.BILINEAR))
    assert (packed.images[1] == expected).all()
    assert not packed.images.flags.writeable


def test_stretching_shrinks_without_aliasing():
    checks = (np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.uint8)
    small = np.asarray(fitted(Image.fromarray(checks).convert("RGB"), 8, 8, "stretch"))
    assert np.abs(small.astype(int) - 127).max() <= 16  # every pixel averages many, instead of picking one


def test_padding_keeps_the_aspect_on_black():
    image = Image.new("RGB", (20, 10), (200, 100, 50))
    padded = np.asarray(fitted(image, 8, 8, "pad"))
    assert (padded[2:6] == (200, 100, 50)).all() and not padded[:2].any() and not padded[6:].any()


def test_processes_and_blocks_change_no_byte(data, monkeypatch):
    pack(data)
    monkeypatch.setattr("vreid.datasets.parallel.WORTH_A_WORKER", 1)
    monkeypatch.setattr(pack_module, "BLOCK", 3)
    seen = []
    pack(data, "two", workers=2, progress=lambda done, total: seen.append((done, total)))
    assert same_files(data / "pack", data / "two")
    assert seen == [(3, 10), (6, 10), (9, 10), (10, 10)]


class InterruptionError(Exception):
    pass


def test_an_interrupted_pack_goes_on_where_it_stopped(data, monkeypatch):
    pack(data)
    monkeypatch.setattr(pack_module, "BLOCK", 2)
    original = pack_module.pack_block
    packed_rows = []

    def failing(target, items):
        if len(packed_rows) == 3:
            raise InterruptionError
        packed_rows.append(items[0].row)
        original(target, items)

    monkeypatch.setattr(pack_module, "pack_block", failing)
    with pytest.raises(InterruptionError):
        pack(data, "two")
    assert not (data / "two").exists() and (data / ".two.partial").is_dir()
    monkeypatch.setattr(
        pack_module, "pack_block", lambda t, items: packed_rows.append(items[0].row) or original(t, items)
    )
    seen = []
    pack(data, "two", progress=lambda done, total: seen.append(done))
    assert packed_rows == [0, 2, 4, 6, 8]
    assert seen == [8, 10]
    assert same_files(data / "pack", data / "two") and not (data / ".two.partial").exists()


def test_a_half_written_mark_does_not_count(data):
    pack(data)
    shutil.copytree(data / "pack", data / ".two.partial")
    (data / ".two.partial" / "done.txt").write_text("0")  # no line end: the mark is half written
    np.load(data / ".two.partial" / "images.npy", mmap_mode="r+")[:] = 0
    pack(data, "two")
    assert same_files(data / "pack", data / "two")


def test_remains_of_another_content_are_not_taken(data):
    first = pack(data)
    pack(data, "two", width=8)
    (data / "two").rename(data / ".three.partial")
    assert (pack(data, "three").images == first.images).all()


def test_a_finished_pack_is_kept_and_one_of_other_content_replaced(data):
    pack(data)
    stamp = (data / "pack" / "images.npy").stat().st_mtime_ns
    pack(data)
    assert (data / "pack" / "images.npy").stat().st_mtime_ns == stamp
    assert pack(data, height=6).images.shape == (10, 6, 10, 3)
    (data / "empty").mkdir()  # as the workflow leaves it
    assert pack(data, "empty").images.shape == (10, 12, 10, 3)


def test_a_disk_that_is_too_small_is_refused_with_the_size(data, monkeypatch):
    monkeypatch.setattr(
        pack_module.shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**9, 10**9, 10**8)
    )
    with pytest.raises(UserError, match=r"Packing needs 3\.0 GB of disk .* only 0\.1 GB are free"):
        pack(data, height=10_000, width=10_000)
    assert not list(data.glob(".pack*"))


def test_the_size_needed_is_that_of_the_pixels():
    # VeRi-776: 37,778 + 1,678 + 11,579 images at 256 x 256 x 3 bytes
    assert needed_bytes(51_035, 256, 256, 1) == 51_035 * 196_608


def test_an_image_that_broke_since_verification_is_named(data):
    (data / "raw/image_train" / trees.VERI_TRAIN[2]).write_bytes(b"")
    with pytest.raises(UserError, match=f"{trees.VERI_TRAIN[2]}: the file is empty; it was readable"):
        pack(data)


def test_spectra_are_cut_out_of_the_file(tmp_path):
    triple = np.zeros((4, 12, 3), dtype=np.uint8)
    triple[:, :4, 0], triple[:, 4:8, 1], triple[:, 8:, 2] = 250, 150, 50
    names = trees.VERI_TRAIN + trees.VERI_QUERY + trees.VERI_TEST
    folders = ["image_train"] * 3 + ["image_query"] * 2 + ["image_test"] * 5
    root = trees.veri(tmp_path / "raw")
    for folder, name in zip(folders, names, strict=True):
        Image.fromarray(triple).save(root / folder / name, "PNG")
    spec = trees.spec("veri776", spectra=["rgb", "nir", "tir"])
    verify_dataset(spec, root, tmp_path / "i.parquet", tmp_path / "i.json")
    packed = pack(tmp_path)
    assert list(packed.spectra) == ["rgb", "nir", "tir"]
    assert (packed.images == (250, 0, 0)).all() and packed.images is packed.spectra["rgb"]
    assert (packed.spectra["nir"] == (0, 150, 0)).all() and (packed.spectra["tir"] == (0, 0, 50)).all()
    assert (tmp_path / "pack" / "images-nir.npy").is_file()


def test_a_width_that_spectra_do_not_divide_is_damage(tmp_path):
    root = trees.veri(tmp_path / "raw")
    spec = trees.spec("veri776", spectra=["rgb", "nir", "tir", "uv", "x"])
    with pytest.raises(UserError, match="24 pixels wide, which 5 pictures side by side do not divide"):
        verify_dataset(spec, root, tmp_path / "i.parquet", tmp_path / "i.json")


def test_the_darkened_list_draws_from_each_split_and_packs_darker(data):
    write_darkened(Darkened(share=0.4, factor=0.3, seed=1), data / "i.parquet", data / "d.parquet")
    rows = darkened_rows(data / "d.parquet")
    assert [sum(r in part for r in rows) for part in (range(3), range(3, 5), range(5, 10))] == [1, 1, 2]
    assert set(rows.values()) == {0.3}
    write_darkened(Darkened(share=0.4, factor=0.3, seed=1), data / "i.parquet", data / "e.parquet")
    assert (data / "d.parquet").read_bytes() == (data / "e.parquet").read_bytes()
    plain, dark = pack(data), pack(data, "dark", darkened=data / "d.parquet")
    for row in range(10):
        if row in rows:
            assert (
                np.abs(dark.images[row] - 0.3 * plain.images[row]).max() < 1.5
            )  # rounding before and after resizing
        else:
            assert (dark.images[row] == plain.images[row]).all()


def test_darkening_multiplies_and_rounds():
    image = Image.fromarray(np.arange(240, dtype=np.uint8).reshape(8, 10, 3))
    assert (np.asarray(darken(image, 0.3)) == np.round(np.asarray(image) * 0.3)).all()
    assert darken(image, 1.0) is image


@pytest.mark.parametrize(
    ("break_it", "sentence"),
    [
        (lambda folder: (folder / "pids.npy").unlink(), "pids.npy is missing; `vreid data pack` writes it"),
        (lambda folder: (folder / "images.npy").write_bytes(b"x"), "is no pack of images"),
        (lambda folder: os.truncate(folder / "images.npy", 200), "Delete the folder and run the pipeline"),
        (lambda folder: np.save(folder / "pids.npy", np.arange(3)), "do not fit together"),
        (lambda folder: (folder / "pack.json").write_text("[]"), "is no pack of images"),
        (lambda folder: np.save(folder / "splits.npy", np.array([{}], dtype=object)), "is no pack of images"),
    ],
)
def test_a_broken_pack_is_refused_with_a_sentence(data, break_it, sentence):
    pack(data)
    break_it(data / "pack")
    with pytest.raises(UserError, match=sentence):
        PackedImages.open(data / "pack")


def test_opening_a_pack_imports_neither_pandas_nor_pyarrow(data):
    import subprocess
    import sys

    pack(data)
    code = (
        "import sys; from pathlib import Path; from vreid.datasets.packed import PackedImages;"
        f"PackedImages.open(Path({str(data / 'pack')!r}));"
        "sys.exit(int(any(name in sys.modules for name in ('pandas', 'pyarrow', 'PIL'))))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert json.loads((data / "pack" / "pack.json").read_text())["images"] == 10
