"""Dataset folders written by hand from the documented layouts, for the tests of all that reads them."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from vreid.params.dataset import DatasetSpec
from vreid.params.read import validate


def jpeg(seed=0, size=(24, 16), quality=90):
    """A JPEG file of smooth random colours; `size` is (width, height)."""
    colours = np.random.default_rng(seed).integers(0, 255, (3, 4, 3), dtype=np.uint8)
    return encoded(Image.fromarray(colours).resize(size, Image.Resampling.BICUBIC), quality)


def encoded(picture, quality=90):
    """A JPEG file of a picture (Pillow's, or an array of height x width x 3 bytes)."""
    buffer = io.BytesIO()
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(np.ascontiguousarray(picture))
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def write(root: Path, files: dict[str, bytes | str | int]):
    """Write files by relative name; an int as content stands for a JPEG made from that seed."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = jpeg(content) if isinstance(content, int) else content
        path.write_bytes(data.encode() if isinstance(data, str) else data)
    return root


def spec(adapter, protocols=None, **changes):
    """A dataset description with nothing in it but what a test needs."""
    value = {
        "title": "A dataset",
        "citation": "nobody",
        "terms": "none",
        "acquire": {"kind": "by_hand"},
        "adapter": adapter,
        "protocols": protocols or [{"name": "p", "form": "given", "junk": "same_camera"}],
    }
    return validate(DatasetSpec, value | changes, "test")


VERI_TRAIN = ["0002_c002_00030600_0.jpg", "0001_c001_00016450_0.jpg", "0001_c003_00016460_0.jpg"]
VERI_QUERY = ["0005_c003_00077115_0.jpg", "0004_c001_00000001_0.jpg"]
VERI_TEST = [
    "0005_c003_00077115_0.jpg",  # copy of the first query
    "0005_c003_00077120_0.jpg",
    "0005_c016_00077445_0.jpg",
    "0004_c001_00000001_0.jpg",  # copy of the second query
    "0004_c002_00000500_0.jpg",
]


def veri(root: Path, **changes):
    """A VeRi-776 tree after the description of the release, lists in an order that sorting would destroy."""
    files: dict[str, bytes | str | int] = {}
    for folder, names in (
        ("image_train", VERI_TRAIN),
        ("image_query", VERI_QUERY),
        ("image_test", VERI_TEST),
    ):
        for name in names:
            files[f"{folder}/{name}"] = sum(name.encode())  # copies get equal bytes
    files["name_train.txt"] = "\n".join(VERI_TRAIN) + "\n"
    files["name_query.txt"] = "\n".join(VERI_QUERY) + "\n"
    files["name_test.txt"] = "\n".join(VERI_TEST) + "\n"
    files["gt_index.txt"] = "3 \n5 \n"
    files["jk_index.txt"] = "1 2 \n4 \n"
    files["train_label.xml"] = veri_labels(VERI_TRAIN, untyped=(1,))
    return write(root, {k: v for k, v in (files | changes).items() if v is not None})


def veri_labels(names, untyped=(), text="车辆"):
    """An XML file of labels that declares gb2312 and is encoded so."""
    items = "".join(
        f'<Item imageName="{name}" vehicleID="{name[:4]}" cameraID="{name[5:9]}" colorID="2" '
        f'typeID="{0 if int(name[:4]) in untyped else 3}" />\n'
        for name in names
    )
    head = f'<?xml version="1.0" encoding="gb2312" ?>\n<TrainingImages Version="1.0">\n<!-- {text} -->\n'
    return f'{head}<Items number="3">\n{items}</Items></TrainingImages>'.encode("gb2312")
