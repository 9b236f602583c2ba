"""Files appear whole or not at all."""

import errno
import json
import os
import resource
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vreid.params.atomic import atomic_path, unwritable, write_json, write_text
from vreid.params.errors import UserError


def test_a_failed_write_leaves_what_was_there_and_no_litter(tmp_path: Path):
    target = tmp_path / "a.txt"
    write_text(target, "old")
    with pytest.raises(RuntimeError), atomic_path(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_folders_are_made_and_the_mode_is_that_of_ordinary_files(tmp_path: Path):
    target = tmp_path / "deep" / "er" / "a.json"
    write_json(target, {"ä": 1.5})
    assert json.loads(target.read_text(encoding="utf-8")) == {"ä": 1.5}
    ordinary = tmp_path / "ordinary"
    ordinary.touch()
    assert target.stat().st_mode == ordinary.stat().st_mode


def test_json_refuses_what_is_no_json(tmp_path: Path):
    with pytest.raises(ValueError, match=r"nan|NaN"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def small_files():
    """No file can grow beyond 4 KiB: what writes more is refused as by a full disk, and so is a user."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def write_array(path: Path):
    np.save(path, np.zeros(4096))


def write_table(path: Path):
    pq.write_table(pa.table({"x": np.random.default_rng(0).normal(size=4096)}), path)


def write_bytes(path: Path):
    path.write_bytes(bytes(8192))


@pytest.mark.parametrize("write", [write_bytes, write_array, write_table])
def test_a_disk_that_takes_no_more_is_a_sentence_and_nothing_is_lost(small_files, tmp_path: Path, write):
    target = tmp_path / "a.npy"
    write_text(target, "old")
    with pytest.raises(UserError) as refused, atomic_path(target) as temporary:
        write(temporary)
    assert str(refused.value).startswith(f"{target} cannot be written (")
    assert "Nothing that stood there is lost" in str(refused.value)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "make room on that disk"),
        (errno.EDQUOT, "your share of that disk"),
        (errno.EFBIG, "ulimit -f"),
        (errno.EROFS, "get leave to write there"),
        (errno.EACCES, "get leave to write there"),
    ],
)
def test_what_to_do_fits_what_the_system_says(number: int, remedy: str):
    sentence = str(unwritable(OSError(number, os.strerror(number), "runs/x")))
    assert sentence.startswith(f"runs/x cannot be written ({os.strerror(number)})")
    assert remedy in sentence
    assert "give the same command again" in sentence


def test_other_errors_stay_what_they_are(tmp_path: Path):
    assert unwritable(FileNotFoundError(errno.ENOENT, "no", "x")) is None
    assert unwritable(OSError("a reader's"), None) is None
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "a"):
        (tmp_path / "absent").read_text()
    with pytest.raises(TimeoutError), atomic_path(tmp_path / "a"):
        raise TimeoutError


def test_a_folder_that_must_not_be_written_to_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object, **__: object):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(tmp_path))

    monkeypatch.setattr("tempfile.mkstemp", refuse)  # root may write everywhere
    with pytest.raises(UserError, match=r"a\.txt cannot be written \(Read-only file system\)"):
        write_text(tmp_path / "a.txt", "new")
