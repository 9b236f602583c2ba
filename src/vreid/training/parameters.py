"""Which parameters a configuration means by the beginnings of their names."""

from collections.abc import Iterable, Sequence

from vreid.params.errors import UserError
from vreid.params.recipe import Freeze


def matching(names: Iterable[str], prefixes: Sequence[str], where: str) -> set[str]:
    """Return those of the dotted `names` that begin with one of `prefixes`, each of which ends at a dot.

    Raises:
        UserError: a prefix that is given at the key `where` begins no name.
    """
    names = list(names)
    found: set[str] = set()
    for prefix in prefixes:
        own = {name for name in names if name == prefix or name.startswith(f"{prefix}.")}
        if not own:
            parts = ", ".join(dict.fromkeys(name.partition(".")[0] for name in names))
            raise UserError(
                f"{where} names {prefix}, but no parameter of the model begins so: give the beginning of a "
                f"name up to one of its dots; the model's parts are {parts}"
            )
        found |= own
    return found


def frozen_names(names: Iterable[str], freeze: Freeze) -> set[str]:
    """Return those of `names` that do not move while `freeze` lasts.

    Raises:
        UserError: one of its prefixes begins no name, or nothing is left to train.
    """
    names = list(names)
    if freeze.frozen:
        frozen = matching(names, freeze.frozen, "schedule.freeze.frozen")
    else:
        frozen = set(names) - matching(names, freeze.trained, "schedule.freeze.trained")
    if len(frozen) == len(names):
        raise UserError("schedule.freeze.frozen names every parameter of the model: leave some to be trained")
    return frozen
