"""The digest of code sees what is executed and nothing else."""

import ast
import itertools
import json
import os
from pathlib import Path

import pytest

from vreid.params import fingerprint
from vreid.params.fingerprint import (
    canonical,
    code_digest,
    digest_of,
    files_digest,
    import_closure,
    remember,
)

CODE = '''
"""Module."""
import os
from dataclasses import dataclass

@dataclass(frozen=True)
class A:
    """Class."""
    x: int = 1

    def f(self, y: int = 2, *, z: str = "s") -> int:
        """Function."""
        return self.x + y  # comment
'''


def same(a: str, b: str) -> bool:
    return canonical(ast.parse(a)) == canonical(ast.parse(b))


def test_comments_docstrings_and_layout_do_not_count():
    changed = CODE.replace("Module.", "Other words.").replace("Class.", "Another.")
    changed = changed.replace('        """Function."""\n', "").replace("  # comment", "")
    assert same(CODE, changed.replace("y: int = 2, *, z", "y: int = 2,\n          *, z"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("x: int = 1", "x: int = 2"),
        ("self.x + y", "self.x - y"),
        ("frozen=True", "frozen=False"),
        ("*, z", "z"),
        ('"s"', '"t"'),
        ("import os", "import sys"),
        ("def f", "async def f"),
    ],
)
def test_what_is_executed_counts(old: str, new: str):
    assert not same(CODE, CODE.replace(old, new))


def test_a_text_that_is_no_docstring_counts():
    assert not same("x = 'a'", "x = 'b'")
    assert not same("def f():\n    return 1\n    'a'", "def f():\n    return 1\n    'b'")


def test_a_value_in_a_format_is_the_same_in_all_pythons():
    """As the grammar has it; Python 3.12 adds an empty text after it."""
    name = "(FormattedValue value=(Name id='{}' ctx=(Load)) conversion=-1{})"
    form = f" format_spec=(JoinedStr values=[(Constant value='>'){name.format('b', '')}])"
    text = f"(JoinedStr values=[{name.format('a', form)}])"
    assert canonical(ast.parse('f"{a:>{b}}"')) == f"(Module body=[(Expr value={text})])"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A package in whose place the fingerprint looks instead of the real one."""
    files = {
        "__init__.py": "",
        "a.py": "from vreid.sub import b\nimport numpy\n",
        "sub/__init__.py": "X = 1\n",
        "sub/b.py": "from . import c\n",
        "sub/c.py": "from vreid import d as _d\n",
        "d.py": "import vreid.a\n",
        "lonely.py": "",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    clear()
    monkeypatch.setattr(fingerprint, "_package_folder", lambda: tmp_path)
    yield tmp_path
    clear()


def clear():
    for cached in (
        fingerprint._code_digest,
        fingerprint._imports,
        fingerprint._source_or_none,
        fingerprint._read,
        fingerprint._known,
    ):
        cached.cache_clear()


def test_the_closure_follows_relative_absolute_and_circular_imports_and_packages(package: Path):
    everything = {"vreid", "vreid.a", "vreid.sub", "vreid.sub.b", "vreid.sub.c", "vreid.d"}
    assert import_closure(["vreid.a"]) == everything
    assert import_closure(["vreid.sub"]) == {"vreid", "vreid.sub"}


def test_the_digest_changes_with_a_module_of_the_closure_alone(package: Path):
    before = code_digest(["vreid.a"])
    (package / "lonely.py").write_text("Y = 2\n")
    clear()
    assert code_digest(["vreid.a"]) == before
    (package / "sub" / "c.py").write_text('"""Words."""\nfrom vreid import d as _d  # why\n')
    clear()
    assert code_digest(["vreid.a"]) == before
    (package / "sub" / "__init__.py").write_text("X = 2\n")
    clear()
    assert code_digest(["vreid.a"]) != before


def test_a_root_that_does_not_exist_is_an_error(package: Path):
    with pytest.raises(ModuleNotFoundError, match="nowhere"):
        code_digest(["vreid.nowhere"])


def test_digests_ignore_the_order_of_keys_and_tell_types_apart():
    assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})
    values = [1, "1", [1], {"1": 1}, None, True]
    assert all(digest_of(a) != digest_of(b) for a, b in itertools.combinations(values, 2))


def test_files_that_are_not_python_count_by_name_and_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fingerprint, "_package_folder", lambda: tmp_path)
    style = tmp_path / "site/styles/a.css"
    style.parent.mkdir(parents=True)
    style.write_text("a {}")
    first = files_digest("vreid.site")
    passing = "site/__pycache__/build.cpython-311.pyc.139"
    for name in ("site/build.py", "site/styles/.a.css.swp", "other/b.css", passing):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("b")
    assert files_digest("vreid.site") == first
    style.write_text("a { color: red }")
    second = files_digest("vreid.site")
    style.rename(style.with_name("b.css"))
    assert len({first, second, files_digest("vreid.site")}) == 3


@pytest.fixture
def kept(package: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where what was found is kept of that package."""
    file = package / "kept.json"
    monkeypatch.setattr(fingerprint, "_kept_at", lambda: file)
    monkeypatch.setattr(fingerprint.sys, "dont_write_bytecode", False)
    return file


def begin_anew(monkeypatch: pytest.MonkeyPatch, *, parses: bool) -> None:
    """As another process would begin; one that does not parse takes what is kept."""
    clear()
    if not parses:
        monkeypatch.setattr(fingerprint.ast, "parse", lambda *_, **__: pytest.fail("parsed again"))


def test_texts_that_were_parsed_once_are_not_parsed_again(
    package: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
):
    digest, closure = code_digest(["vreid.a"]), import_closure(["vreid.a"])
    remember()
    begin_anew(monkeypatch, parses=False)
    assert (code_digest(["vreid.a"]), import_closure(["vreid.a"])) == (digest, closure)


def test_another_text_is_parsed_whatever_is_kept_of_the_file(
    package: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
):
    before = code_digest(["vreid.a"])
    remember()
    file = package / "sub" / "c.py"
    age = file.stat().st_mtime_ns
    file.write_text(file.read_text() + "Y = 2\n")
    os.utime(file, ns=(age, age))  # time stamps tell nothing
    begin_anew(monkeypatch, parses=True)
    changed = code_digest(["vreid.a"])
    kept.unlink()
    begin_anew(monkeypatch, parses=True)
    assert before != changed == code_digest(["vreid.a"])


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"by": 1}', "null"])
def test_what_is_kept_and_damaged_counts_for_nothing(
    package: Path, kept: Path, monkeypatch: pytest.MonkeyPatch, damage: str
):
    digest = code_digest(["vreid.a"])
    kept.write_text(damage)
    begin_anew(monkeypatch, parses=True)
    assert code_digest(["vreid.a"]) == digest


def test_what_another_version_of_the_fingerprint_kept_counts_for_nothing(
    package: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
):
    digest = code_digest(["vreid.a"])
    remember()
    content = json.loads(kept.read_text())
    content["by"] = "0" * 64
    for path, (text, _, imports) in content["modules"].items():
        content["modules"][path] = (text, "1" * 64, imports)
    kept.write_text(json.dumps(content))
    begin_anew(monkeypatch, parses=True)
    assert code_digest(["vreid.a"]) == digest
