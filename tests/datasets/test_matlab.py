import io
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import savemat

from vreid.datasets.matlab import MatlabError, read_structs


def saved(path, **options):
    entries = np.empty((1, 3), [("fname", object), ("class", object), ("note", object)])
    for n, (name, number, note) in enumerate(
        [("a.jpg", 7, "ü"), ("b.jpg", 300.5, [1, 2]), ("c.jpg", -1, "")]
    ):
        entries[0, n] = (name, number, note)
    buffer = io.BytesIO()
    savemat(buffer, {"other": np.eye(3), "annotations": entries, "names": "x"}, **options)
    path.write_bytes(buffer.getvalue())
    return path


EXPECTED = [
    {"fname": "a.jpg", "class": 7, "note": "ü"},
    {"fname": "b.jpg", "class": 300.5, "note": None},
    {"fname": "c.jpg", "class": -1, "note": None},
]


@pytest.mark.parametrize("compressed", [False, True])
def test_structs_are_read_as_scipy_writes_them(tmp_path, compressed):
    found = read_structs(saved(tmp_path / "a.mat", do_compression=compressed), "annotations")
    assert [{**entry, "note": entry["note"] or None} for entry in found] == EXPECTED


def by_hand(order, text=(16, "ü.jpg"), number=(9, "d", 12.0)):
    """A file put together from the format's description: one struct with a text and a number."""

    def element(kind, data):
        return struct.pack(f"{order}II", kind, len(data)) + data + bytes(-len(data) % 8)

    def short(kind, data):
        return struct.pack(f"{order}I", len(data) << 16 | kind) + data.ljust(4, b"\0")

    def matrix(kind, content, name=b"", dims=(1, 1)):
        head = element(6, struct.pack(f"{order}II", kind, 0))
        head += element(5, struct.pack(f"{order}{len(dims)}i", *dims))
        return element(14, head + (short(1, name) if len(name) <= 4 else element(1, name)) + content)

    wide = {4: "utf-16", 17: "utf-16", 18: "utf-32"}
    codec = wide.get(text[0], "utf-8") + (("-le" if order == "<" else "-be") if text[0] in wide else "")
    fields = matrix(4, element(text[0], text[1].encode(codec)), dims=(1, len(text[1])))
    value = struct.pack(order + number[1], number[2])
    fields += matrix(6, short(number[0], value) if len(value) <= 4 else element(number[0], value))
    names = b"fname".ljust(8, b"\0") + b"class".ljust(8, b"\0")
    body = short(5, struct.pack(f"{order}i", 8)) + element(1, names) + fields
    head = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack(f"{order}HH", 0x0100, 0x4D49)
    return head + matrix(2, body, b"annotations")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("text", [4, 16, 17, 18])
@pytest.mark.parametrize("number", [(9, "d", 12.0), (2, "B", 12), (4, "H", 12), (5, "i", 12), (7, "f", 12.0)])
def test_both_byte_orders_and_all_encodings(tmp_path, order, text, number):
    path = tmp_path / "a.mat"
    path.write_bytes(by_hand(order, (text, "ü.jpg"), number))
    assert read_structs(path, "annotations") == [{"fname": "ü.jpg", "class": 12}]


def test_what_is_wrong_is_said(tmp_path):
    path = saved(tmp_path / "a.mat")
    with pytest.raises(MatlabError, match="holds no struct array 'missing'"):
        read_structs(path, "missing")
    with pytest.raises(MatlabError, match="holds no struct array 'other'"):
        read_structs(path, "other")  # it is there, but no struct
    path.write_bytes(b"\x89HDF" * 100)
    with pytest.raises(MatlabError, match="no Matlab 5 file"):
        read_structs(path, "annotations")


@settings(max_examples=300, deadline=None)
@given(st.binary(min_size=1, max_size=8), st.integers(0, 3000), st.booleans())
def test_damage_gives_entries_or_an_error_quickly(tmp_path_factory, garbage, place, compressed):
    folder = tmp_path_factory.getbasetemp()
    path = saved(folder / "fuzz.mat", do_compression=compressed)
    whole = path.read_bytes()
    place %= len(whole)
    path.write_bytes(whole[:place] + garbage + whole[place + len(garbage) :])
    try:
        assert isinstance(read_structs(path, "annotations"), list)
    except MatlabError as error:
        assert str(error)
