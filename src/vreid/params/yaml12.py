"""YAML 1.2 through libyaml, over ten times as fast as in Python: all of params/ is read at each start.

PyYAML by itself speaks YAML 1.1, in which `1e-4` is a text, `no` is false and `010` is eight. Here a plain
scalar is what the core schema (YAML 1.2.2, section 10.3) says, and a key that stands twice is an error.
A number with zeros at its end, as 98.70, keeps them (`vreid.params.numbers.Printed`).
"""

import math
import re
from typing import Any

import yaml

from vreid.params.numbers import Printed

NULL = re.compile(r"null|Null|NULL|~|")
BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)

ZEROS_AT_ITS_END = re.compile(r"[0-9]+\.[0-9]+0")

DEEPEST = 200
"""Levels of brackets, of indentation, or of a list in a list on one line. libyaml calls itself for each: the
process would be gone without a word."""
LARGEST = 1_000_000
"""Values that a file may hold, those counted again that an alias repeats."""

NESTED = re.compile(rf"^[ \t]{{{DEEPEST},}}\S|(?:[-?:][ \t]+){{{DEEPEST},}}", re.MULTILINE)


class DuplicateKeyError(yaml.MarkedYAMLError):
    """A key stands twice in one mapping; `problem` is the key."""


class Loader(yaml.CSafeLoader):
    """Makes plain dicts, lists, texts, numbers, truth values and None, and nothing else."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return the mapping of a node.

        Raises:
            DuplicateKeyError: two of its own keys are the same; keys that are merged in (`<<`) may be.
        """
        seen = set()
        for key, _ in node.value:
            written = (key.tag, key.value) if isinstance(key, yaml.ScalarNode) else None
            if written in seen:
                raise DuplicateKeyError(problem=key.value, problem_mark=key.start_mark)
            if written is not None:
                seen.add(written)
        return super().construct_mapping(node, deep)


def load(text: str) -> Any:
    """Return what the one document of `text` holds.

    Raises:
        yaml.YAMLError: It is no YAML, holds more than one document, a tag that is not of the core schema or a
            number too long to be one, is nested too deeply, or repeats itself without bounds by aliases.
    """
    if NESTED.search(text) or _is_deep(text):
        raise yaml.YAMLError(f"it is nested more than {DEEPEST} levels deep")
    try:
        value = yaml.load(text, Loader)  # noqa: S506 -- a kind of safe loader
    except ValueError as error:
        raise yaml.YAMLError(str(error)) from None
    if "&" in text and _size(value, {}) > LARGEST:
        raise yaml.YAMLError("its aliases repeat themselves a million times or without end")
    return value


def _is_deep(text: str) -> bool:
    """Tell whether too many brackets are open at once; those in texts count, closed or not."""
    if text.count("[") + text.count("{") <= DEEPEST:
        return False
    depth = 0
    for bracket in re.findall(r"[][{}]", text):
        depth += 1 if bracket in "[{" else -1
        if depth > DEEPEST:
            return True
    return False


def _size(value: Any, known: dict[int, float]) -> float:
    """Return how many values there are; infinitely many if one holds itself."""
    if not isinstance(value, dict | list):
        return 1
    if id(value) not in known:
        known[id(value)] = math.inf  # until it is known
        inner = value.values() if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_size(item, known) for item in inner)
    return known[id(value)]


def _int(loader: Loader, node: yaml.ScalarNode) -> int:
    text = str(loader.construct_scalar(node))
    return int(text, 0) if text[:2] in ("0o", "0x") else int(text)


def _float(loader: Loader, node: yaml.ScalarNode) -> float:
    text = str(loader.construct_scalar(node))
    if ZEROS_AT_ITS_END.fullmatch(text):
        return Printed(text)
    return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))


def _bool(loader: Loader, node: yaml.ScalarNode) -> bool:
    return str(loader.construct_scalar(node)).lower() == "true"


for _name, _pattern, _first in (
    ("null", NULL, [*"nN~", ""]),
    ("bool", BOOL, [*"tTfF"]),
    ("int", INT, [*"-+0123456789"]),
    ("float", FLOAT, [*"-+.0123456789"]),
    ("merge", re.compile("<<"), ["<"]),
):
    Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", re.compile(f"(?:{_pattern.pattern})$"), _first)
Loader.add_constructor("tag:yaml.org,2002:int", _int)
Loader.add_constructor("tag:yaml.org,2002:float", _float)
Loader.add_constructor("tag:yaml.org,2002:bool", _bool)
