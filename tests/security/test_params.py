"""YAML that is meant to hurt, and names in params/ that would reach a command.

That tags run no code is in tests/params/test_read.py.
"""

import shutil
from pathlib import Path

import pytest

from vreid.params.errors import UserError
from vreid.params.read import read_yaml
from vreid.params.resolve import load

ROOT = Path(__file__).parents[2]
DEEP = 100_000
"""Levels at which libyaml, which calls itself for each, would end the process."""

LAUGHS = "a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha]\n" + "".join(
    f"a{n}: &a{n} [{', '.join(9 * [f'*a{n - 1}'])}]\n" for n in range(1, 9)
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (LAUGHS, "its aliases repeat themselves"),
        ("a: &a [*a]\n", "its aliases repeat themselves"),
        ("a: &a {b: *a}\n", "its aliases repeat themselves"),
        ("a: " + "[" * DEEP + "]" * DEEP, "nested more than"),
        ("a: " + "{a: " * DEEP + "}" * DEEP, "nested more than"),
        ("- " * DEEP + "a", "nested more than"),
        ("? - " * DEEP + "a", "nested more than"),
        ("".join(f"{n * ' '}a:\n" for n in range(2000)), "nested more than"),
        ("a: " + "9" * 10_000, "not valid YAML"),
        ("a: !!python/name:os.system\n", "not valid YAML"),
        ("a: \0", "not valid YAML"),
    ],
    ids=[
        "laughs",
        "list in itself",
        "mapping in itself",
        "[",
        "{",
        "- -",
        "? -",
        "stairs",
        "digits",
        "tag",
        "0",
    ],
)
def test_yaml_that_would_fill_the_memory_or_end_the_process_is_a_sentence(tmp_path, text, words):
    file = tmp_path / "evil.yaml"
    file.write_text(text)
    with pytest.raises(UserError, match=words):
        read_yaml(file)


def test_aliases_as_the_papers_use_them_are_read(tmp_path):
    file = tmp_path / "kind.yaml"
    file.write_text("a: &a {x: 1}\nb: {<<: *a, y: 2}\nc: [*a, *a]\n")
    assert read_yaml(file)["c"] == [{"x": 1}, {"x": 1}]


PAPER = "papers/se_densenet.yaml"
EVIL = '"x;touch pwned"'


@pytest.fixture
def params(tmp_path):
    shutil.copytree(ROOT / "params", tmp_path / "params")
    return tmp_path / "params"


@pytest.mark.parametrize("folder", ["papers", "datasets"])
@pytest.mark.parametrize("name", ["x;touch pwned", "$(touch pwned)", "a\nb", "../x", "A", "-x", "x y", ""])
def test_a_file_s_name_that_would_reach_a_command_is_refused(params, folder, name):
    some = next((params / folder).glob("*.yaml"))
    some.rename(params / folder / f"{name.replace('/', '_')}.yaml")
    with pytest.raises(UserError, match="runs and files are named after this file") as raised:
        load(params, "demo")
    assert str(raised.value).isprintable()


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        (PAPER, "\n  proposed: {}", f"\n  {EVIL}: {{}}"),
        (PAPER, "\n  table1:", f"\n  {EVIL}:"),
        (PAPER, "\n  figure6:", f"\n  {EVIL}:"),
        (PAPER, "\nexperiments:\n", f"\nvariants:\n  {EVIL}: {{images: darkened}}\n\nexperiments:\n"),
        ("datasets/veri776.yaml", "name: veri776", f"name: {EVIL}"),
        ("datasets/rgbn300.yaml", "nir", EVIL),
    ],
    ids=["experiment", "table", "figure", "variant", "protocol", "spectrum"],
)
def test_a_key_that_would_reach_a_command_is_refused(params, file, old, new):
    text = (params / file).read_text()
    assert old in text
    (params / file).write_text(text.replace(old, new))
    with pytest.raises(UserError, match="should match pattern"):
        load(params, "demo")
