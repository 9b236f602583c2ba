"""Resolves the datasets of a preset: where each stands, and what its content is called."""

from importlib.metadata import version
from pathlib import Path

from vreid.params import overrides
from vreid.params.dataset import DatasetSpec
from vreid.params.errors import UserError
from vreid.params.fingerprint import code_digest, digest_of
from vreid.params.listing import listing_digest, table_digest
from vreid.params.plan import DatasetPlan
from vreid.params.preset import Preset
from vreid.params.read import named_files, read_yaml, suggest, validate
from vreid.params.run import Input, Size


class Datasets:
    """The datasets of params/datasets/ under a preset, each resolved once.

    With `all_present` each counts as being in place, to reckon with what would then be run.
    """

    def __init__(self, folder: Path, preset: Preset, preset_file: Path, *, all_present: bool = False) -> None:
        self.files = named_files(folder)
        self._preset = preset
        self._preset_file = preset_file
        self._all_present = all_present
        self._resolved: dict[str, DatasetPlan] = {}

    def wanted(self, name: str, named_in: str) -> DatasetPlan:
        """Return a dataset that a paper asks for in `named_in`; it has to be of the preset's source.

        Raises:
            UserError: there is no such dataset, or it has no rendered stand-in and the preset wants one.
        """
        if name not in self.files:
            near = suggest(name, list(self.files))
            raise UserError(f"{named_in}: the dataset {name!r} has no file in params/datasets/{near}.")
        dataset = self.get(name)
        if dataset.source != self._preset.source:
            raise UserError(
                f"{self.files[name]}: `render` is missing: this dataset has no rendered stand-in."
            )
        return dataset

    def get(self, name: str) -> DatasetPlan:
        """Return a dataset of params/datasets/, whoever asks."""
        if name not in self._resolved:
            self._resolved[name] = self._resolve(name)
        return self._resolved[name]

    def with_packs(self, name: str, packs: list[str]) -> DatasetPlan:
        """Complete a dataset by its packs: those of its runs, or else one of the preset's size."""
        dataset = self.get(name)
        size = self._preset.packs.get(name) or self._input_size()
        if not packs and size is not None:
            packs = [pack_of(dataset, size)]
        return dataset.model_copy(update={"packs": tuple(packs)})

    def _input_size(self) -> Size | None:
        """Return the size of the network's input that the preset gives all runs, if it does."""
        where = f"{self._preset_file}: overrides"
        changes = {
            key: value for key, value in self._preset.overrides.items() if key.split(".")[0] == "input"
        }
        given = overrides.apply({"input": {}}, changes, where)["input"]
        both = {"height", "width"} <= set(given)
        return validate(Input, given, f"{where}.input") if both else None

    def _resolve(self, name: str) -> DatasetPlan:
        where = str(self.files[name])
        raw = read_yaml(self.files[name])
        changes = {f"render.{key}": value for key, value in self._preset.datasets.get(name, {}).items()}
        spec = validate(DatasetSpec, raw, where)
        if changes:
            changed = f"{self._preset_file}: datasets.{name}"
            spec = validate(DatasetSpec, overrides.apply(raw, changes, changed), changed)
        # One's own data has no stand-in; it is what it is whatever the preset says.
        source = self._preset.source if spec.render is not None else "real"
        if source == "synthetic":
            content = _rendered_content(name, spec, where)
            folder, present = f"data/raw/synthetic/{name}-{content}", True
        else:
            folder = f"data/raw/real/{name}"
            there = Path(folder).is_dir()
            present = there or self._all_present
            content = _real_content(Path(folder), spec)[:8] if there else "absent"
        code = code_digest(
            [
                f"vreid.datasets.adapters.{spec.adapter}",
                "vreid.datasets.indexing",
                "vreid.datasets.pack",
            ]
        )
        made_of = [content, spec.content_key(), code, versions("pillow", "numpy")]
        versioned = f"{name}-{digest_of(made_of, 8)}"
        protocols = [protocol.model_dump(mode="json") for protocol in spec.protocols]
        splits = digest_of([versioned, protocols, code_digest(["vreid.datasets.split"])], 8)
        return DatasetPlan(
            name=name,
            source=source,
            present=present,
            raw=folder,
            version=versioned,
            spec=spec,
            index=f"data/index/{source}/{versioned}.parquet",
            splits=f"data/splits/{source}/{versioned}-{splits}.parquet",
            darkened=_darkened(source, versioned, spec),
            protocols=tuple(protocol.name for protocol in spec.protocols),
        )


def pack_of(dataset: DatasetPlan, size: Size) -> str:
    """Return the folder of a dataset's images at a size; for an input, the size at which it is stored."""
    stored = size.stored if isinstance(size, Input) and size.stored is not None else size
    return f"data/packed/{dataset.source}/{dataset.version}-{stored.height}x{stored.width}"


def versions(*libraries: str) -> list[str]:
    """Name the installed versions of the libraries whose arithmetic a result depends on."""
    return [f"{library} {version(library)}" for library in libraries]


def _rendered_content(name: str, spec: DatasetSpec, where: str) -> str:
    """Digest of what is rendered: the recipe and the code of the renderer."""
    try:
        code = code_digest(["vreid.synthetic.render", f"vreid.synthetic.writers.{name}"])
    except ModuleNotFoundError:
        raise UserError(
            f"{where}: `render` says how to render {name}, but no module vreid.synthetic.writers.{name} "
            "writes its layout; leave `render` out for data of your own."
        ) from None
    render = spec.render.model_dump(mode="json") if spec.render else None
    return digest_of([name, render, code], 8)


def _darkened(source: str, version: str, spec: DatasetSpec) -> str | None:
    """Return where the list of darkened images stands; it is named by its draw."""
    if spec.darkened is None:
        return None
    code = code_digest(["vreid.datasets.darken"])
    digest = digest_of([version, spec.darkened.model_dump(mode="json"), code], 8)
    return f"data/splits/{source}/{version}-darkened-{digest}.parquet"


def _real_content(root: Path, spec: DatasetSpec) -> str:
    return table_digest(root / spec.table) if spec.table else listing_digest(root)
