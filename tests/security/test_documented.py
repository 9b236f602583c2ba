"""docs/security.md says what is not trusted, what protects, and which test shows it; here it is held to that.

This folder has what no mirror of a module covers: files made to hurt, names made to reach a shell. What a
module itself refuses is tested beside it; the page lists both.
"""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "security.md"


def functions_of(file: Path) -> set[str]:
    functions = (node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.FunctionDef))
    return {function.name for function in functions if function.name.startswith("test_")}


def named_tests() -> list[tuple[str, str]]:
    return re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE.read_text(encoding="utf-8"))


def test_every_row_of_the_page_names_tests_and_they_exist():
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")][2:]
    assert len(rows) > 20
    assert all(re.search(r"`tests/[\w/]+\.py::test_\w+` \|$", row) for row in rows)
    missing = [f"{file}::{name}" for file, name in named_tests() if name not in functions_of(ROOT / file)]
    assert not missing


@pytest.mark.parametrize("file", sorted(Path(__file__).parent.glob("test_*.py")), ids=lambda file: file.stem)
def test_every_file_of_this_folder_is_on_the_page(file):
    assert str(file.relative_to(ROOT)) in {name for name, _ in named_tests()}


def is_given(call: ast.Call, keyword: str, value: object) -> bool:
    given = [k.value for k in call.keywords if k.arg == keyword]
    return any(isinstance(node, ast.Constant) and node.value is value for node in given)


REFUSED = {
    "extractall": lambda call: True,
    "system": lambda call: ast.unparse(call.func).startswith("os"),
    "popen": lambda call: ast.unparse(call.func).startswith("os"),
    "eval": lambda call: isinstance(call.func, ast.Name),
    "exec": lambda call: isinstance(call.func, ast.Name),
    "unsafe_load": lambda call: True,
    "full_load": lambda call: True,
    "loads": lambda call: ast.unparse(call.func).startswith(("pickle", "marshal", "dill")),
    "load": lambda call: {
        "pickle": True,
        "marshal": True,
        "torch": not is_given(call, "weights_only", True),
        "np": not is_given(call, "allow_pickle", False),
        "yaml": ast.unparse(call) != "yaml.load(text, Loader)",
    }.get(ast.unparse(call.func).split(".")[0], False),
    "open": lambda call: (
        ast.unparse(call.func) == "Image.open" and not any(k.arg == "formats" for k in call.keywords)
    ),
    "run": lambda call: is_given(call, "shell", True),
    "Popen": lambda call: is_given(call, "shell", True),
}
"""Names of calls, and when they are refused."""

OURS = {"src/vreid/synthetic/writers/cars196.py", "src/vreid/training/pretrain_pictures.py"}
"""Files that open pictures which they have drawn themselves."""


def refused(code: str) -> list[str]:
    calls = (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call))
    return [
        ast.unparse(call)
        for call in calls
        if REFUSED.get(ast.unparse(call.func).split(".")[-1], lambda call: False)(call)
    ]


@pytest.mark.parametrize(
    "code",
    [
        "opened.extractall(folder)",
        "os.system('ls')",
        "subprocess.run(command, shell=True)",
        "torch.load(path)",
        "np.load(path, allow_pickle=True)",
        "pickle.load(file)",
        "pickle.loads(content)",
        "yaml.load(text, yaml.Loader)",
        "Image.open(path)",
        "eval(text)",
    ],
)
def test_such_calls_are_noticed(code):
    assert refused(code)


def test_no_call_that_undoes_all_this_is_in_the_code():
    found = {
        str(file.relative_to(ROOT)): calls
        for file in (ROOT / "src").rglob("*.py")
        if (calls := refused(file.read_text(encoding="utf-8")))
    }
    drawn = {file: calls for file, calls in found.items() if file in OURS}
    assert found.keys() - drawn.keys() == set(), found
    assert all(call.startswith("Image.open(") for calls in drawn.values() for call in calls)
