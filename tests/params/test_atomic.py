"""Files appear whole or not at all."""

import json
from pathlib import Path

import pytest

from vreid.params.atomic import atomic_path, write_json, write_text


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
