"""What params/datasets/<dataset>.yaml may say: where it comes from, how it lies on disk, how it is tested."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from vreid.params.errors import UserError
from vreid.params.read import described_by, named_files, read_yaml, validate
from vreid.params.render import RenderSpec
from vreid.params.strict import Strict

Adapter = Literal[
    "veri776",
    "image_lists",
    "cars196",
    "veri_uav",
    "uav_veid",
    "rgbir",
    "own_table",
    "identity_folders",
]
Junk = Literal["same_camera", "self", "none"]
Form = Literal["given", "gallery_one", "query_one", "all_vs_all"]
Digest = Annotated[str, Field(pattern=r"^(sha256:[0-9a-f]{64}|md5:[0-9a-f]{32})$")]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Size = Annotated[int, Field(gt=0)]

SETTINGS: dict[str, tuple[Adapter, ...]] = {
    "lists": ("image_lists",),
    "label_files": ("uav_veid",),
    "train_classes": ("cars196", "identity_folders"),
    "table": ("own_table",),
}
"""Which adapters read which key."""

NEEDED: dict[Adapter, tuple[str, ...]] = {
    "image_lists": ("lists",),
    "cars196": ("train_classes",),
    "own_table": ("table",),
}
"""Which keys an adapter cannot do without."""

COUNTS = "counts"
"""The word in `allow` that accepts a copy with fewer images than published."""


class Published(Strict):
    """Images and identities of one part of a dataset, as a source states them."""

    images: Size | None = None
    identities: Size | None = None


class Counts(Published):
    """What one source says about the size of a dataset; parts on which it is silent are left out.

    `images` and `identities` are those of the whole set. `lists` are test lists by name (VehicleID's
    "800"), `cameras` the number of different cameras, `files` that of all image files, in a list or not.
    `valid_queries` are the query images that the first protocol leaves a match: rates are means over them.
    `inferred` says that they were told by the decimals of printed rates, and counted by nobody.
    """

    source: str
    cameras: Size | None = None
    files: Size | None = None
    valid_queries: Size | None = None
    inferred: bool = False
    train: Published | None = None
    query: Published | None = None
    gallery: Published | None = None
    lists: dict[str, Published] = {}


class Protocol(Strict):
    """One way to test: how query and gallery are formed, and what is junk.

    `form`: `given` takes query and gallery as the index has them; `gallery_one` draws one image per
    identity into the gallery and asks with the rest; `query_one` draws one image per identity as the
    query and searches the rest; `all_vs_all` searches every test image among all others.
    `junk`: what is removed from a query's ranking: `same_camera` (same identity and same camera), `self`
    (the very image), or `none`. `list` restricts all to the images of one test list.
    `seed` starts the draws of the `trials`.
    """

    name: Name
    form: Form
    junk: Junk
    list: str | None = None
    trials: Size = 1
    seed: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> "Protocol":
        draws = self.form in ("gallery_one", "query_one")
        if draws and self.seed is None:
            raise ValueError(f"the protocol {self.name!r} draws at random and needs a `seed`")
        if not draws and (self.trials != 1 or self.seed is not None):
            raise ValueError(f"the protocol {self.name!r} draws nothing: leave `trials` and `seed` out")
        if (self.form == "all_vs_all") != (self.junk == "self"):
            raise ValueError(
                f"the protocol {self.name!r}: the form `all_vs_all` and the junk rule `self` belong "
                "together, because only there the query itself is in the gallery"
            )
        return self


class Archive(Strict):
    """One archive of a dataset by its file name; `digest` if its owners publish one."""

    name: Annotated[str, Field(pattern=r"^[^/\\.][^/\\]*$")]
    digest: Digest | None = None
    url: Annotated[str, Field(pattern=r"^https?://")] | None = None


class Download(Strict):
    """The owners offer archives by URL (a Google Drive download URL included)."""

    kind: Literal["download"]
    archives: Annotated[tuple[Archive, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _urls(self) -> "Download":
        for archive in self.archives:
            if archive.url is None:
                raise ValueError(f"the archive {archive.name!r} is to be downloaded and needs a `url`")
        return self


class ByHand(Strict):
    """The owners hand the data out themselves; `archives` are unpacked once the user put them in place."""

    kind: Literal["by_hand"]
    archives: tuple[Archive, ...] = ()


class LabelFiles(Strict):
    """List files, relative to the dataset's folder, with lines of `path identity`."""

    train: str
    query: str
    gallery: str


class Darkened(Strict):
    """A darkened variant: `share` of the images of each split, drawn from `seed`, times `factor`.

    ALSA paper, sec. 4.2 ("10 % of the images, brightness x 0.3").
    """

    share: Annotated[float, Field(gt=0, le=1)]
    factor: Annotated[float, Field(ge=0, lt=1)]
    seed: Annotated[int, Field(ge=0)]


class DatasetSpec(Strict):
    """One dataset.

    `steps` tell a person how to obtain the data. `counts` holds one entry per source, because sources
    disagree; a split with fewer than `complete_from` x the smallest published number of images is an
    incomplete copy. `allow` names known damaged files (patterns relative to the dataset's folder), or
    `counts` for a copy with fewer images than published.

    `adapter` names the module of `vreid.datasets.adapters` that reads the layout, and these tell it what the
    layout leaves open: `lists`, the test lists to read; `label_files`, the lists that label images where
    copies differ in their names; `train_classes`, how many of the first classes are trained on; `table`, the
    file that lists own data; `spectra`, what stands side by side in one file, from left to right.

    `fit` says how images reach the size of the network: `stretch`, or `pad` to keep their aspect. `render`
    describes the synthetic stand-in.
    """

    title: str
    citation: str
    terms: str
    steps: tuple[str, ...] = ()
    acquire: Annotated[Download | ByHand, Field(discriminator="kind")]
    counts: tuple[Counts, ...] = ()
    complete_from: Annotated[float, Field(gt=0, le=1)] = 0.98
    adapter: Adapter
    lists: tuple[str, ...] = ()
    label_files: LabelFiles | None = None
    train_classes: Size | None = None
    table: str | None = None
    spectra: Annotated[tuple[Name, ...], Field(min_length=1)] = ("rgb",)
    fit: Literal["stretch", "pad"] = "stretch"
    protocols: Annotated[tuple[Protocol, ...], Field(min_length=1)]
    darkened: Darkened | None = None
    allow: tuple[str, ...] = ()
    render: RenderSpec | None = None

    @model_validator(mode="after")
    def _consistent(self) -> "DatasetSpec":
        names = [protocol.name for protocol in self.protocols]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two protocols are called {name!r}")
        for protocol in self.protocols:
            if protocol.list is not None and protocol.list not in self.lists:
                raise ValueError(
                    f"the protocol {protocol.name!r} uses the test list {protocol.list!r}, which `lists` "
                    "does not name"
                )
        for key, adapters in SETTINGS.items():
            if getattr(self, key) and self.adapter not in adapters:
                raise ValueError(f"`{key}` says nothing to the adapter `{self.adapter}`")
        for key in NEEDED.get(self.adapter, ()):
            if not getattr(self, key):
                raise ValueError(f"the adapter `{self.adapter}` needs `{key}`")
        return self

    def content_key(self) -> list[Any]:
        """Return what decides index and packed images, given the files and the code; for digests."""
        chosen = {"adapter", "lists", "label_files", "train_classes", "table", "spectra", "fit", "allow"}
        return sorted(self.model_dump(mode="json", include=chosen).items())

    def protocol(self, name: str) -> Protocol:
        """Return the protocol called `name`.

        Raises:
            UserError: the dataset has no such protocol.
        """
        for protocol in self.protocols:
            if protocol.name == name:
                return protocol
        known = ", ".join(protocol.name for protocol in self.protocols)
        raise UserError(f"{self.title} has no protocol {name!r}; it has {known}.")


def read_dataset(name: str, params: Path = Path("params")) -> DatasetSpec:
    """Read and validate `params/datasets/<name>.yaml`.

    Raises:
        UserError: the file is missing or says something that is not valid.
    """
    path = described_by(params / "datasets", "dataset", name)
    return validate(DatasetSpec, read_yaml(path), str(path))


def dataset_names(params: Path = Path("params")) -> list[str]:
    """Return the names of all datasets that params/ describes, sorted.

    Raises:
        UserError: a file has a name that no dataset can have.
    """
    return list(named_files(params / "datasets"))
