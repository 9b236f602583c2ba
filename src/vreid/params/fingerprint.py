"""Digests of configurations and of code: what freshness is decided by.

The digest of code covers the modules reached by import from a few roots, inside this package, with comments
and docstrings left out. Modules imported by name at run time (`importlib`) are not followed: a factory that
loads one model lazily keeps the others out of the digest, and the plan names the one model and the losses
as roots.
"""

import ast
import hashlib
import importlib.util
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from vreid.params.atomic import write_text
from vreid.params.errors import UserError

PACKAGE = "vreid"
WITH_DOCSTRING = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
SINCE_LATER = ("kind", "type_comment", "type_params")
"""Fields that some Pythons do not have."""

Import = tuple[str, int, tuple[str, ...]]
"""A module, the dots in front of it, and the names that are taken of it."""


@dataclass(frozen=True)
class _Module:
    """What the text of a module says: a digest of what it executes, and what it imports."""

    digest: str
    imports: tuple[Import, ...]


def digest_of(value: Any, length: int = 10) -> str:
    """Return the first `length` hexadecimal digits of the SHA-256 of `value` as canonical JSON."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def code_digest(roots: Iterable[str], length: int = 16) -> str:
    """Return a digest of the code that the modules named by `roots` execute.

    Two versions of the code have the same digest if their syntax trees agree but for docstrings. What reads
    and resolves params/ does not count: the values it arrives at are hashed themselves.

    Raises:
        ModuleNotFoundError: a root, or something that it imports from this package, does not exist.
    """
    return _code_digest(frozenset(roots))[:length]


def import_closure(roots: Iterable[str]) -> set[str]:
    """Return the names of all modules of this package that importing `roots` executes.

    Importing `a.b.c` executes the packages `a` and `a.b` too, so they are members.
    """
    found: set[str] = set()
    waiting = [name for root in roots for name in _with_parents(root)]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(_imports(name, _source(name)))
    return found


def files_digest(package: str, length: int = 16) -> str:
    """Return a digest of the files below a package's folder that are not Python, as templates are.

    While another process writes bytecode, there are files of passing names beside it; they do not count.
    """
    folder = _package_folder().joinpath(*package.split(".")[1:])
    files = sorted(path for path in folder.rglob("*") if path.parent.name != "__pycache__" and path.is_file())
    kept = [path for path in files if path.suffix != ".py" and path.name[0] != "."]
    contents = [(path.relative_to(folder).as_posix(), path.read_bytes()) for path in kept]
    return digest_of([(name, hashlib.sha256(content).hexdigest()) for name, content in contents], length)


def remember() -> None:
    """Keep what was found in the modules' texts beside Python's bytecode, if that may be written there.

    To parse them takes a fifth of a planning. What is kept is found again by a text's own digest, so that it
    is never that of another text.
    """
    known = _known()
    if not known.added or sys.dont_write_bytecode:
        return
    found = {path: texts for path, texts in known.modules.items() if Path(path).exists()}
    with suppress(OSError, UserError):  # a checkout that is only read
        write_text(_kept_at(), json.dumps({"by": _own_digest(), "modules": found}))
        known.added = False


def canonical(tree: ast.AST) -> str:
    """Return the syntax tree as text, without positions and docstrings, the same in all Pythons."""
    parts: list[str] = []
    _walk(tree, parts.append)
    return "".join(parts)


@cache
def _code_digest(roots: frozenset[str]) -> str:
    modules = sorted(name for name in import_closure(roots) if not _is_about_params(name))
    return digest_of([(name, _read(_source(name)).digest) for name in modules], 64)


@cache
def _imports(name: str, path: Path) -> tuple[str, ...]:
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found: list[str] = []
    for module, level, names in _read(path).imports:
        base = _absolute(module, level, package)
        found.append(base)
        found += [f"{base}.{taken}" for taken in names if _source_or_none(f"{base}.{taken}")]
    return tuple(m for f in found if f.split(".")[0] == PACKAGE for m in _with_parents(f))


def _absolute(module: str, level: int, package: str) -> str:
    if not level:
        return module
    parts = package.split(".")
    base = ".".join(parts[: len(parts) - level + 1])
    return f"{base}.{module}" if module else base


def _is_about_params(name: str) -> bool:
    return name == PACKAGE or name.split(".")[:2] == [PACKAGE, "params"]


def _with_parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:n]) for n in range(1, len(parts) + 1)]


@cache
def _package_folder() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(PACKAGE)
    return Path(spec.origin).parent


def _source(name: str) -> Path:
    path = _source_or_none(name)
    if path is None:
        raise ModuleNotFoundError(f"{name}: no such module in {PACKAGE}", name=name)
    return path


@cache
def _source_or_none(name: str) -> Path | None:
    if name.split(".", maxsplit=1)[0] != PACKAGE:
        return None
    base = _package_folder().joinpath(*name.split(".")[1:])
    for path in (base / "__init__.py", base.with_suffix(".py")):
        if path.is_file():
            return path
    return None


@cache
def _read(path: Path) -> _Module:
    """Only what is asked of it is kept: the syntax trees of all modules are most of a planning's memory."""
    content = path.read_bytes()
    text = hashlib.sha256(content).hexdigest()
    known = _known()
    kept = known.modules.get(str(path))
    if kept is None or kept[0] != text:
        tree = ast.parse(content, filename=path.name)
        digest = hashlib.sha256(canonical(tree).encode()).hexdigest()
        kept = known.modules[str(path)] = (text, digest, tuple(_imported(tree)))
        known.added = True
    return _Module(*kept[1:])


@dataclass
class _Known:
    """What the texts of modules say, by their paths: digest of the text, of what it executes, imports."""

    modules: dict[str, tuple[str, str, tuple[Import, ...]]]
    added: bool = False


@cache
def _known() -> _Known:
    try:
        kept = json.loads(_kept_at().read_bytes())
        if kept["by"] != _own_digest():
            return _Known({})
        return _Known(
            {
                path: (text, digest, tuple((name, dots, tuple(taken)) for name, dots, taken in imports))
                for path, (text, digest, imports) in kept["modules"].items()
            }
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # there is none, or it is damaged
        return _Known({})


def _kept_at() -> Path:
    """Beside the bytecode of this module, which like it is of one version of Python."""
    return Path(importlib.util.cache_from_source(__file__)).with_suffix(".json")


@cache
def _own_digest() -> str:
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()


def _imported(tree: ast.Module) -> Iterator[Import]:
    for node in _statements(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, 0, ()) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", node.level, tuple(alias.name for alias in node.names)


def _statements(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield all statements, however deep; no import hides in an expression."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        inside = (getattr(node, field, ()) for field in ("body", "orelse", "finalbody", "handlers", "cases"))
        for child in (child for block in inside for child in block):
            yield child
            waiting.append(child)


def _walk(node: Any, write: Callable[[str], None]) -> None:
    """Node classes and fields in order, without empty fields, because Pythons differ in those."""
    if isinstance(node, ast.AST):
        kind = type(node)
        write(f"({kind.__name__}")
        for field in kind._fields:
            value: Any = getattr(node, field, None)
            if field == "body" and kind in WITH_DOCSTRING:
                value = _without_docstring(value)
            if kind is ast.JoinedStr:
                value = [part for part in value if not _is_empty_text(part)]
            if value is None or value == [] or (field in SINCE_LATER and not value):
                continue
            write(f" {field}=")
            _walk(value, write)
        write(")")
    elif isinstance(node, list):
        write("[")
        for item in node:
            _walk(item, write)
        write("]")
    else:
        write(repr(node))


def _is_empty_text(part: ast.expr) -> bool:
    """Python 3.12 puts such around a value that stands in a format, as in f"{x:{width}}"."""
    return isinstance(part, ast.Constant) and part.value == ""


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0] if body else None
    is_text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return body[1:] if is_text and isinstance(first.value.value, str) else body  # type: ignore[union-attr]
