"""Dotted keys: how experiments and presets say what differs from a paper's defaults."""

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from vreid.params.errors import UserError
from vreid.params.read import suggest


def apply(base: Mapping[str, Any], changes: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return a copy of `base` with each dotted key of `changes` set to its value.

    `model.se: false` sets the key `se` of `model`; `losses.focal.gamma: 3` steps into the element of the list
    `losses` whose `name` is `focal`. A value replaces what stood there, mappings and lists included. The
    last key may be new (validation decides whether it exists); every key before it must exist.

    Raises:
        UserError: a key on the way does not exist.
    """
    result: dict[str, Any] = _with_lists(base)
    for dotted, value in changes.items():
        *steps, last = str(dotted).split(".")
        target: Any = result
        for depth, step in enumerate(steps):
            target = _step(target, step, ".".join(steps[: depth + 1]), f"{where}: `{dotted}`")
        if isinstance(target, list):
            _replace_named(target, last, value, f"{where}: `{dotted}`")
        elif isinstance(target, dict):
            target[last] = copy.deepcopy(value)
        else:
            raise UserError(f"{where}: `{dotted}` cannot be set: `{'.'.join(steps)}` is no mapping.")
    return result


def differences(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Yield (dotted key, our value, their value) for each leaf in which two configurations differ."""
    for key in [*ours, *(k for k in theirs if k not in ours)]:
        a, b = ours.get(key), theirs.get(key)
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            yield from ((f"{key}.{k}", x, y) for k, x, y in differences(a, b))
        elif a != b:
            yield str(key), a, b


def look_up(values: Mapping[str, Any], dotted: str) -> Any:
    """Return the leaf at a dotted key of mappings; None if there is none."""
    here: Any = values
    for step in dotted.split("."):
        here = here.get(step) if isinstance(here, Mapping) else None
    return here


def _with_lists(value: Any) -> Any:
    """Copy a value of YAML; tuples become lists, in which an entry can be replaced."""
    if isinstance(value, dict):
        return {key: _with_lists(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_with_lists(item) for item in value]
    return value


def _step(target: Any, step: str, so_far: str, where: str) -> Any:
    if isinstance(target, dict):
        if step in target:
            return target[step]
        raise UserError(f"{where}: there is no `{so_far}`{suggest(step, [str(k) for k in target])}.")
    if isinstance(target, list):
        names = [item["name"] for item in target if isinstance(item, dict) and "name" in item]
        for item in target:
            if isinstance(item, dict) and item.get("name") == step:
                return item
        raise UserError(f"{where}: no entry named `{step}` at `{so_far}`{suggest(step, names)}.")
    raise UserError(f"{where}: `{so_far}` cannot be reached: what stands before it is no mapping.")


def _replace_named(target: list[Any], name: str, value: Any, where: str) -> None:
    for position, item in enumerate(target):
        if isinstance(item, dict) and item.get("name") == name:
            target[position] = copy.deepcopy(value)
            return
    names = [item["name"] for item in target if isinstance(item, dict) and "name" in item]
    raise UserError(f"{where}: no entry is named `{name}`{suggest(name, names)}.")
