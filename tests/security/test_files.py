"""Pictures, features and weights that are something else than they say.

Broken ones are in tests/datasets/test_verify.py and tests/evaluation/test_files.py, damaged Matlab files in
tests/datasets/test_matlab.py, downloaded weights that hold code in tests/models/test_weights.py.
"""

import hashlib
import json
import pickle
import struct
import zipfile
import zlib

import numpy as np
import pytest
import torch

from vreid.datasets.decode import UnreadableError, decode_rgb
from vreid.evaluation.files import read_features
from vreid.models.published import read_published
from vreid.params.errors import UserError
from vreid.params.models.alsa import Published

EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n%%EOF\n"


def test_no_picture_starts_a_program(tmp_path, monkeypatch):
    ghostscript = tmp_path / "gs"
    ghostscript.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    ghostscript.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr("PIL.EpsImagePlugin.gs_binary", None)  # it looks for it when it needs it
    with pytest.raises(UnreadableError, match="no image of a known kind"):
        decode_rgb(EPS)
    assert not (tmp_path / "started").exists()


def png(width, height, *, text=b""):
    parts = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))]
    parts += [(b"zTXt", b"a\0\0" + zlib.compress(text))] if text else []
    parts += [(b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    chunks = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (png(60_000, 60_000), "too many pixels"),
        (png(2**31 - 1, 2**31 - 1), "too many pixels"),
        (png(8, 8, text=bytes(80 * 2**20)), "damaged"),
    ],
    ids=["large", "largest", "text"],
)
def test_a_picture_that_would_fill_the_memory_is_refused(content, words):
    with pytest.raises(UnreadableError, match=words):
        decode_rgb(content)


def npz(path, shape, data=b"", descr="'<f4'"):
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    array = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("query_features", "gallery_features", "query_ids", "gallery_ids"):
            archive.writestr(f"{name}.npy", array)
    return path


@pytest.mark.parametrize(
    ("shape", "descr", "data"),
    [
        ("(10**12, 2048)", "'<f4'", b""),
        ("(1000000000000, 2048)", "'<f4'", b""),
        ("(99999999999999999999, 2)", "'<f4'", b""),
        ("(1,)", "'|O'", pickle.dumps(np.array([print], dtype=object))),
        ("(__import__('os').mkdir('pwned'),)", "'<f4'", b""),
    ],
    ids=["formula", "claims terabytes", "overflows", "pickled", "code"],
)
def test_features_that_claim_what_they_do_not_hold_are_a_sentence(tmp_path, monkeypatch, shape, descr, data):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"is no \.npz of numbers and text"):
        read_features(npz(tmp_path / "a.npz", shape, data, descr))
    assert not (tmp_path / "pwned").exists()


class Malicious:
    """A pickle that makes the folder `pwned` when it is loaded."""

    def __reduce__(self):
        return eval, ("__import__('os').mkdir('pwned')",)


def safetensors(header, data=b""):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.safetensors", struct.pack("<Q", 2**60) + b"{}"),
        ("a.safetensors", struct.pack("<Q", 2**63 + 5) + b"{}"),
        ("a.safetensors", safetensors({"a": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}})),
        (
            "a.safetensors",
            safetensors({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}}, bytes(4)),
        ),
        ("a.safetensors", pickle.dumps(Malicious())),
        ("a.pth", pickle.dumps(Malicious(), protocol=2)),
        ("a.pth", pickle.dumps({"a": Malicious()}, protocol=4)),
    ],
    ids=["long header", "longer header", "large tensor", "backwards", "pickle as safetensors", "2", "4"],
)
def test_weights_that_hold_code_or_claim_too_much_are_refused(tmp_path, monkeypatch, name, content):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(UserError, match="holds something other than named tensors"):
        read_published(Published(file=str(file), sha256=hashlib.sha256(content).hexdigest()))
    assert not (tmp_path / "pwned").exists()


def test_a_file_whose_digest_is_not_the_one_in_params_is_not_even_looked_into(tmp_path, monkeypatch):
    file = tmp_path / "a.pth"
    torch.save({"a": torch.zeros(1)}, file)
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("it was loaded"))
    with pytest.raises(UserError, match="is damaged or another file"):
        read_published(Published(file=str(file), sha256="0" * 64))
