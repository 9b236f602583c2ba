import numpy as np
from PIL import Image
from tests.datasets import trees

from vreid.datasets.index import read_index
from vreid.datasets.show import CAPTION, GAP, MARGIN, TILE, show_dataset, statistics_of, titled
from vreid.datasets.verify import verify_dataset


def shown(tmp_path, **options):
    root = trees.veri(tmp_path / "raw")
    verify_dataset(trees.spec("veri776"), root, tmp_path / "i.parquet", tmp_path / "i.json")
    out = (tmp_path / "s.png", tmp_path / "s.md")
    show_dataset("VeRi", tmp_path / "i.parquet", root, *out, **options)
    return Image.open(out[0]), out[1].read_text()


def test_the_sheet_has_a_row_for_each_identity(tmp_path):
    sheet, _ = shown(tmp_path, rows=4, columns=3)
    tile = round(TILE * 24 / 16)  # the pictures are 24 x 16 pixels
    assert sheet.size == (MARGIN + 3 * (tile + GAP), GAP + 4 * (TILE + CAPTION + GAP) + CAPTION + GAP)
    pixels = np.asarray(sheet)
    first = pixels[GAP : GAP + TILE, MARGIN : MARGIN + tile]
    # The first training identity is 1, with two images: its first cell is a picture, its third is blank.
    assert first.std() > 5
    assert (pixels[GAP : GAP + TILE, MARGIN + 2 * (tile + GAP) :] == 255).all()


def test_sheet_and_statistics_say_what_they_show(tmp_path):
    sheet, text = shown(tmp_path, rows=2, columns=3)
    assert text.startswith("# VeRi\n")
    bare, other = titled(sheet, ""), titled(sheet, "Cars196 (synthetic data)")
    assert bare.size == other.size == (sheet.width, sheet.height + CAPTION + GAP)
    assert (np.asarray(other)[: sheet.height] == np.asarray(sheet)).all()
    below = [np.asarray(image)[sheet.height :] for image in (bare, other)]
    assert (below[0] == 255).all()
    assert (below[1] < 128).any()
    assert (np.asarray(sheet)[-CAPTION - GAP :] < 128).any()  # the title, VeRi


def test_the_same_seed_gives_the_same_sheet_and_a_lost_image_is_red(tmp_path):
    first, _ = shown(tmp_path, rows=2, columns=3, seed=5)
    second, _ = shown(tmp_path, rows=2, columns=3, seed=5)
    assert (np.asarray(first) == np.asarray(second)).all()
    for path in (tmp_path / "raw").rglob("*.jpg"):
        path.unlink()
    out = (tmp_path / "s.png", tmp_path / "s.md")
    show_dataset("VeRi", tmp_path / "i.parquet", tmp_path / "raw", *out, rows=2, columns=3)
    assert Image.open(out[0]).getpixel((MARGIN + 5, GAP + 5)) == (255, 0, 0)


def test_statistics_are_counted(tmp_path):
    _, text = shown(tmp_path)
    assert "| train | 3 | 2 | 3 | 1, 1.5, 2 | 1, 1.5, 2 |" in text
    assert "| query | 2 | 2 | 2 | 1, 1, 1 | 1, 1, 1 |" in text
    assert "| gallery | 5 | 2 | 4 | 2, 2.5, 3 | 2, 2, 2 |" in text
    assert "| all | 10 | 4 | 4 | 1, 2.5, 4 | 1, 2, 2 |" in text
    assert "| 16 | 1 | 1 |" in text  # camera 16
    assert "| width | 24 | 24 | 24 |" in text


def test_without_cameras_none_are_counted(tmp_path):
    shown(tmp_path)
    table = read_index(tmp_path / "i.parquet")
    table = table.set_column(2, "camid", [[-1] * 10])
    text = statistics_of("x", table)
    assert "| all | 10 | 4 | – | 1, 2.5, 4 | – |" in text and "| camera |" not in text
