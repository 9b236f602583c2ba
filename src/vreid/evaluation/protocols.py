"""The protocols by name: how query and gallery are formed, what is junk, and what is printed.

A name is a family (`veri776`, `all_vs_all`, `custom` …) or a family and the number of identities in
its test list (`vehicleid_official_800`). docs/protocols.md tells which papers use which.
"""

import difflib
import typing
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import get_args

import numpy as np

from vreid.datasets.draws import draw_trials
from vreid.evaluation.arrays import Array, Ints
from vreid.evaluation.distances import Distance
from vreid.params.dataset import Form, Junk
from vreid.params.errors import UserError

JUNK_RULES: dict[Junk, str] = {
    "same_camera": "gallery images with the query's identity and the query's camera",
    "self": "the query's own image",
    "none": "nothing",
}
FORMS: dict[Form, str] = {
    "given": "query and gallery as the dataset lists them",
    "gallery_one": "one image of each identity, drawn at random, is the gallery; all others are queries",
    "query_one": "one image of each identity, drawn at random, is a query; all others are the gallery",
    "all_vs_all": "every image is a query and searches all others",
}


@dataclass(frozen=True)
class Protocol:
    """One way to turn features into numbers.

    Attributes:
        name: under which results are filed.
        form: how query and gallery are formed (`FORMS`).
        junk: what is removed from a query's ranking (`JUNK_RULES`).
        trials: random draws over which metrics are averaged; 1 unless the form draws.
        distance: used unless another is asked for.
        shown: the metrics that papers print under this protocol.
    """

    name: str
    form: Form
    junk: Junk
    trials: int = 1
    distance: Distance = "cosine"
    shown: tuple[str, ...] = ("mAP", "mINP", "R1", "R5", "R10")

    def rules(self) -> dict[str, str | int]:
        """Return the rules in words, as they stand beside every result."""
        return {
            "query_and_gallery": FORMS[self.form],
            "junk": JUNK_RULES[self.junk],
            "ties": "equal distances are ordered by the index in the gallery",
            "average_precision": "mAP: mean of the precision at each match; mAP_trapezoid: area of the "
            "trapezoids under precision over recall",
        }


_RETRIEVAL = ("R1", "R2", "R5", "R10")
_ONE_MATCH = ("mAP", "R1", "R5", "R10")

FAMILIES: dict[str, Protocol] = {
    entry.name: entry
    for entry in (
        Protocol("veri776", "given", "same_camera"),
        Protocol("veri_uav", "given", "same_camera"),
        Protocol("rgbn", "given", "same_camera"),
        Protocol("rgbn300", "given", "same_camera"),
        Protocol("rgbnt100", "given", "same_camera"),
        Protocol("uav_veid", "given", "none", shown=("R1", "R5", "R10")),
        Protocol("vehicleid_official", "gallery_one", "none", 10, shown=_ONE_MATCH),
        Protocol("vehicleid_swapped", "query_one", "none", 10),
        Protocol("vru", "gallery_one", "none", 10, shown=_ONE_MATCH),
        Protocol("vru_swapped", "query_one", "none", 10),
        Protocol("all_vs_all", "all_vs_all", "self", shown=_RETRIEVAL),
        Protocol("vehicleid_all_vs_all", "all_vs_all", "self", shown=_RETRIEVAL),
        Protocol("cars196", "all_vs_all", "self", shown=_RETRIEVAL),
        Protocol("custom", "given", "same_camera"),
        Protocol("custom_no_cameras", "given", "none"),
    )
}

_SIZES = {
    "vehicleid_official": (800, 1600, 2400),
    "vehicleid_swapped": (800, 1600, 2400),
    "vehicleid_all_vs_all": (800, 1600, 2400),
    "vru": (1200, 2400, 8000),
    "vru_swapped": (1200, 2400, 8000),
}


def protocol_names() -> list[str]:
    """Return every name that the papers need, sorted."""
    sized = [f"{family}_{size}" for family, sizes in _SIZES.items() for size in sizes]
    return sorted([name for name in FAMILIES if name not in _SIZES] + sized)


def find_protocol(name: str, junk: str | None = None) -> Protocol:
    """Return the protocol called `name`: a family, or a family followed by `_` and a number of identities.

    Args:
        name: see `protocol_names`; any number of identities will do.
        junk: a rule of `JUNK_RULES` instead of the protocol's own.

    Raises:
        UserError: no protocol or no rule is called so; the sentence gives the nearest name.
    """
    family, _, size = name.rpartition("_")
    found = FAMILIES.get(name) or (FAMILIES.get(family) if size.isdecimal() else None)
    if found is None:
        near = difflib.get_close_matches(name, protocol_names(), 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(protocol_names())}"
        raise UserError(
            f"There is no protocol {name!r}; {hint}. For lists of another dataset: `custom` takes query and "
            "gallery as given and drops same-camera images, `custom_no_cameras` drops nothing"
        )
    return replace(found, name=name, junk=found.junk if junk is None else junk_rule(junk))


class Declared(typing.Protocol):
    """A protocol as a dataset declares it in params/datasets."""

    @property
    def name(self) -> str:
        """Any name."""

    @property
    def form(self) -> Form:
        """How query and gallery are formed."""

    @property
    def junk(self) -> Junk:
        """What is removed from a ranking."""


def protocol_of(protocol: "str | Declared | Protocol") -> Protocol:
    """Return a protocol by its name, or by what a dataset declares; the declaration decides.

    Raises:
        UserError: a name is unknown.
    """
    if isinstance(protocol, str):
        return find_protocol(protocol)
    if isinstance(protocol, Protocol):
        return protocol
    try:
        known = find_protocol(protocol.name)
    except UserError:
        known = FAMILIES["custom"]
    return replace(known, name=protocol.name, form=protocol.form, junk=protocol.junk)


def junk_rule(name: str) -> Junk:
    """Return `name` if it is a rule of `JUNK_RULES`.

    Raises:
        UserError: it is none.
    """
    for rule in get_args(Junk):
        if rule == name:
            known: Junk = rule
            return known
    raise UserError(f"There is no junk rule {name!r}; there are {', '.join(JUNK_RULES)}")


def form(protocol: Protocol, ids: Array, seed: int = 0) -> Iterator[tuple[Ints, Ints]]:
    """Yield (query rows, gallery rows) of each trial of a protocol that forms them from one set of images.

    The draws are those of `draw_trials`, of which the pipeline makes its splits too.

    Args:
        protocol: of the form `gallery_one`, `query_one` or `all_vs_all`.
        ids: (N,) the identity of each image.
        seed: of the draws.

    Raises:
        UserError: the protocol takes query and gallery as given, or no identity has two images.
    """
    if protocol.form == "given":
        raise UserError(
            f"The protocol {protocol.name} needs query and gallery apart; it does not form them from "
            "one set of images"
        )
    if np.unique(ids, return_counts=True)[1].max() < 2:
        raise UserError(
            f"No identity of the {len(ids)} images has a second image, so no query can find a match"
        )
    yield from draw_trials(protocol.form, ids, protocol.trials, seed)
