"""Reads and validates a YAML file of params/; a mistake is one sentence with file, key and remedy."""

import difflib
import re
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from vreid.params import yaml12
from vreid.params.errors import UserError

Model = TypeVar("Model", bound=BaseModel)

NAME = re.compile(r"[a-z][a-z0-9_]*")


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping that the YAML 1.2 file at `path` holds, as plain dicts and lists.

    Raises:
        UserError: the file is missing, is no YAML, holds no mapping, or writes one key twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"{path} is missing{nearest_file(path)}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}.") from None
    try:
        value = yaml12.load(text)
    except yaml12.DuplicateKeyError as error:
        raise UserError(
            f"{path}{_line(error)}: `{error.problem}` stands twice in one mapping; "
            "give one of the two another name."
        ) from None
    except yaml.MarkedYAMLError as error:
        raise UserError(f"{path}{_line(error)}: this is not valid YAML: {error.problem}.") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path}: this is not valid YAML: {error}.") from None
    if not isinstance(value, dict):
        raise UserError(f"{path} must hold a mapping (key: value), not {_kind(value)}.")
    return value


def named_files(folder: Path) -> dict[str, Path]:
    """Return the YAML files of a folder by the names that they give to papers or datasets, sorted.

    Raises:
        UserError: a name would not do as part of the names of runs, of files and of commands' arguments.
    """
    files = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    for name, path in files.items():
        if not NAME.fullmatch(name):
            raise UserError(
                f"{str(path)!r}: runs and files are named after this file, so its name may have lower-case "
                "letters, digits and underscores alone, a letter first; rename it."
            )
    return files


def described_by(folder: Path, kind: str, name: str, where: str = "") -> Path:
    """Return the YAML file of `folder` that describes the `kind` of thing (preset, dataset) called `name`.

    Raises:
        UserError: there is none; the sentence gives the nearest name and all that there are, after `where`
            it was asked for.
    """
    files = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    if name in files:
        return files[name]
    if not files:
        raise UserError(f"{folder}/ describes no {kind} here: run this in the project's folder.")
    near = difflib.get_close_matches(name, files, n=1)
    hint = f" (did you mean `{near[0]}`?)" if near else ""
    opening = f"{where}: no" if where else "No"
    known = ", ".join(f"`{file}`" for file in files)
    raise UserError(f"{opening} {kind} is called `{name}`{hint}: {folder}/ has {known}.")


def validate(model: type[Model], value: Any, where: str) -> Model:
    """Return `value` as a `model`; `where` (a file, perhaps with a key) opens the sentence of an error.

    Raises:
        UserError: the first thing that is wrong, with the nearest valid name where a name is misspelt.
    """
    try:
        return model.model_validate(_as_tuples(value))
    except ValidationError as error:
        raise UserError(f"{where}: {sentence(error, model)}") from None


def sentence(error: ValidationError, model: type[BaseModel]) -> str:
    """Say the first finding of a pydantic error in words: the key, what is wrong, what would be right."""
    found = error.errors(include_url=False, include_context=True)
    first = next((f for f in found if f["type"] == "extra_forbidden"), found[0])
    tags = _tags(model)
    location = [str(step) for step in first["loc"] if str(step) not in tags]
    key = ".".join(location)
    kind, context = first["type"], first.get("ctx", {})
    if kind == "extra_forbidden":
        valid = _fields_at(model, first["loc"][:-1])
        return f"`{key}` is no key here{suggest(location[-1], valid)}."
    if kind == "missing":
        return f"`{key}` is missing."
    if kind == "union_tag_invalid":
        expected = [name.strip().strip("'") for name in str(context["expected_tags"]).split(",")]
        chooser = f"{key}.{context['discriminator'].strip(chr(39))}"
        return f"`{chooser}` says {context['tag']!r}, which nobody offers{suggest(context['tag'], expected)}."
    if kind == "union_tag_not_found":
        chooser = f"{key}.{context['discriminator'].strip(chr(39))}"
        return f"`{chooser}` is missing: it says which one is meant."
    if kind == "literal_error":
        expected = [word.strip(" '") for word in str(context["expected"]).replace(" or ", ",").split(",")]
        return f"`{key}` cannot be {first['input']!r}{suggest(str(first['input']), expected)}."
    if kind == "value_error":
        return f"`{key}`: {context['error']}." if key else f"{context['error']}."
    message = first["msg"][0].lower() + first["msg"][1:]
    return f"`{key}` is {first['input']!r}: {message}."


def suggest(name: str, valid: list[str]) -> str:
    """Return " (did you mean `x`?)", or a list of what is valid when nothing comes near, or nothing."""
    near = difflib.get_close_matches(name, valid, n=1, cutoff=0.5)
    if near:
        return f" (did you mean `{near[0]}`?)"
    return f" (valid are {', '.join(f'`{v}`' for v in sorted(valid))})" if valid else ""


def nearest_file(path: Path) -> str:
    """Return a hint naming the file of the same folder whose name comes nearest to `path`'s."""
    if not path.parent.is_dir():
        return ""
    names = [other.name for other in path.parent.iterdir() if other.suffix == path.suffix]
    near = difflib.get_close_matches(path.name, names, n=1)
    return f" (there is {near[0]} beside it)" if near else ""


def _line(error: yaml.MarkedYAMLError) -> str:
    return f", line {error.problem_mark.line + 1}" if error.problem_mark else ""


def _as_tuples(value: Any) -> Any:
    """Turn lists into tuples, which strict models with fixed shapes ask for."""
    if isinstance(value, dict):
        return {key: _as_tuples(item) for key, item in value.items()}
    if isinstance(value, list):
        return tuple(_as_tuples(item) for item in value)
    return value


def _tags(model: type[BaseModel]) -> set[str]:
    """Names that pydantic puts into an error's location although no user wrote them as keys."""
    models = _models_below(model)
    return {str(tag) for inner in models for tag in _own_tags(inner)} | {inner.__name__ for inner in models}


def _models_below(model: type[BaseModel]) -> set[type[BaseModel]]:
    """Return `model` and all models that its fields hold, however deep."""
    found, waiting = {model}, [model]
    while waiting:
        for field in waiting.pop().model_fields.values():
            fresh = set(_models_in(field.annotation)) - found
            found |= fresh
            waiting.extend(fresh)
    return found


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (Union, UnionType, tuple, list, dict) or get_args(annotation):
        return [m for part in get_args(annotation) for m in _models_in(part)]
    return []


def _fields_at(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """Return the keys that are valid at `location`, following fields, list positions and union tags."""
    here: list[type[BaseModel]] = [model]
    for step in location:
        fields = [m.model_fields[step] for m in here if isinstance(step, str) and step in m.model_fields]
        if fields:
            here = [m for field in fields for m in _models_in(field.annotation)]
        elif isinstance(step, str):
            tagged = [m for m in here if step == m.__name__ or step in _own_tags(m)]
            here = tagged or here
    return sorted({name for m in here for name in m.model_fields})


def _own_tags(model: type[BaseModel]) -> tuple[Any, ...]:
    """Return the values of the field that tells a model from the others of its union."""
    fields = (model.model_fields.get(name) for name in ("name", "kind"))
    return tuple(tag for field in fields if field is not None for tag in get_args(field.annotation))


def _kind(value: Any) -> str:
    return {type(None): "nothing", list: "a list", str: "a text"}.get(type(value), type(value).__name__)
