"""README.md and docs/ name files, commands, options, targets and modules that exist."""

import importlib.util
import re
from pathlib import Path

import pytest
import typer

from vreid.cli.main import app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
OURS = {"src", "tests", "params", "docs", "workflow", "benchmarks"}
"""Folders of which every file is under version control; others are written by the pipeline."""

BLOCK = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TARGET = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)


def code_of(page: str) -> list[str]:
    """What a page sets as code: the lines of blocks, indented lines, and what stands in backticks."""
    blocks = [line for _, block in BLOCK.findall(page) for line in block.splitlines()]
    prose = BLOCK.sub("", page)
    indented = re.findall(r"^    (.+)$", prose, flags=re.MULTILINE)
    inline = re.findall(r"`([^`]+)`", re.sub(r"^    .+$", "", prose, flags=re.MULTILINE))
    return [" ".join(code.split()) for code in (*blocks, *indented, *inline)]


def made_by(page: str) -> set[str]:
    """The files that the reader of a page is told to write, and their modules."""
    files = {info.partition(" ")[2] for info, _ in BLOCK.findall(page)} | {"params/datasets/mine.yaml"}
    return files | {file.removeprefix("src/").removesuffix(".py").replace("/", ".") for file in files}


def absent(page: str, folder: Path = ROOT) -> list[str]:
    """What a page in `folder` names and nobody finds."""
    links = re.findall(r"\]\((?!https?:)([^)#]+)", BLOCK.sub("", page))
    found = [link for link in links if not (folder / link).exists()]
    for code in code_of(page):
        found += [name for name in re.findall(r"[\w./*-]+", code) if is_no_file(name)]
        found += [name for name in re.findall(r"(?<![\w./])vreid(?:\.\w+)+", code) if is_no_module(name)]
        for command in re.findall(r"(?:^|[$;&(] ?)vreid ([^|;&#]+)", code):
            found += wrong_words(command.split())
        for target in re.findall(r"(?:^|[$;&(] ?)make ([a-z-]+)", code):
            found += [] if target in TARGET.findall((ROOT / "Makefile").read_text()) else [f"make {target}"]
    return [name for name in found if name not in made_by(page)]


def is_no_file(name: str) -> bool:
    """Tell of a path whether it leads to nothing; words in capitals stand for something, as PAPER does."""
    within = "/" in name and name.partition("/")[0] in OURS and not re.search(r"\b[A-Z]+\b", name)
    return within and not any(ROOT.glob(name.rstrip(".")))


def is_no_module(name: str) -> bool:
    """Tell of a dotted name whether it is neither a module nor something that is defined in one."""
    parent, _, last = name.rpartition(".")
    if importlib.util.find_spec(parent) is None:
        return True
    file = importlib.util.find_spec(parent).origin
    defined = re.search(rf"^(def |class )?{last}\b", Path(file).read_text(), flags=re.MULTILINE)
    is_package = Path(file).name == "__init__.py"
    return (importlib.util.find_spec(name) is None) if is_package else defined is None


def wrong_words(words: list[str]) -> list[str]:
    """Sub-commands and options of `vreid` that it does not have."""
    command, said = typer.main.get_command(app), ["vreid"]
    while words and hasattr(command, "commands"):
        said.append(words.pop(0))
        if said[-1] not in command.commands:
            return [] if said[-1] in ("…", "--version") else [" ".join(said)]
        command = command.commands[said[-1]]
    options = {option for known in command.params for option in (*known.opts, *known.secondary_opts)}
    given = [word.split("=")[0] for word in words if word.startswith("--")]
    return [" ".join((*said, option)) for option in given if option not in options | {"--help"}]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_names_is_there(page):
    text = page.read_text(encoding="utf-8")
    assert code_of(text)
    assert absent(text, page.parent) == []


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("See [how](docs/nothing.md#why).", "docs/nothing.md"),
        ("`params/papers/nobody.yaml`", "params/papers/nobody.yaml"),
        ("`pytest tests/nothing`", "tests/nothing"),
        ("`vreid.training.nothing`", "vreid.training.nothing"),
        ("`vreid.params.read.nothing`", "vreid.params.read.nothing"),
        ("```bash\nvreid nothing\n```", "vreid nothing"),
        ("`vreid data nothing veri776`", "vreid data nothing"),
        ("    cd there && vreid plan --nothing=3", "vreid plan --nothing"),
        ("`make nothing`", "make nothing"),
    ],
)
def test_what_is_not_there_is_noticed(text, missing):
    assert absent(text) == [missing]


def test_what_is_there_or_is_to_be_written_is_not_complained_about():
    assert absent("`vreid data acquire veri776 --source real` `vreid …` `vreid.params.read.suggest`") == []
    assert absent("`params/papers/PAPER.yaml` `workflow/rules/*.smk`, `vreid.params.errors`") == []
    assert absent("```yaml params/papers/mine.yaml\na: 1\n```\nThen `params/papers/mine.yaml`.") == []
