"""The verification report of a dataset: what is there, what was published, what is wrong."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from vreid.datasets.indexing import Content, Damage
from vreid.datasets.scan import NO_CAMERA, SPLITS, Record, Scan, first_of
from vreid.datasets.split import Labels, count_matches, trials
from vreid.params.dataset import COUNTS, Counts, DatasetSpec, Protocol, Published

NAMED = 50  # how many files of each kind a report names
VALID = "queries with a match"


@dataclass(frozen=True)
class Compared:
    """One quantity against what sources say about it; `agrees` if any of them says the same."""

    what: str
    measured: int
    published: list[dict[str, Any]]
    agrees: bool


@dataclass(frozen=True)
class Duplicates:
    """Files with equal bytes, in groups.

    `query_copies`: queries that are copies of a gallery image of their identity (as VeRi-776 and RGBN* are
    made). `same_identity`: other groups within one identity. `different_identities`: groups that contradict
    each other. `train_and_test`: groups on both sides.
    """

    query_copies: int
    same_identity: list[list[str]]
    different_identities: list[list[str]]
    train_and_test: list[list[str]]


@dataclass(frozen=True)
class Report:
    """What verification says; a copy with fewer images than published is `incomplete`."""

    title: str
    source: str
    listing: str
    status: Literal["verified", "damaged", "incomplete"]
    measured: dict[str, int]
    sizes: dict[str, list[int]]
    counts: list[Compared]
    incomplete: list[str]
    damage: list[Damage]
    unlisted: list[str]
    repeated: list[str]
    duplicates: Duplicates
    identities_in_train_and_test: list[int]
    remarks: list[str]
    identities: dict[int, str]

    def complaint(self) -> str:
        """Return the sentences that stop the pipeline: what is wrong, the first files, what to do."""
        bad = [damage for damage in self.damage if not damage.allowed]
        sentences = []
        if bad:
            number = "1 file is" if len(bad) == 1 else f"{len(bad)} files are"
            sentences.append(
                f"{number} missing or damaged ({first_of(bad)}). Fetch them again, or name them under "
                "`allow` in the dataset's file in params/datasets to go on without them."
            )
        if self.incomplete:
            sentences.append(
                f"The copy is incomplete: {first_of(self.incomplete)}. Fetch the rest, or write "
                f"`{COUNTS}` under `allow` in the dataset's file in params/datasets to go on with what "
                "is there."
            )
        return " ".join(sentences)

    def as_json(self) -> dict[str, Any]:
        """Return plain values; lists of files are cut to the first few, with their number beside them."""
        plain = asdict(self)
        for key in ("damage", "unlisted", "repeated", "identities_in_train_and_test"):
            plain[key] = _cut(plain[key])
        for key in ("same_identity", "different_identities", "train_and_test"):
            plain["duplicates"][key] = _cut(plain["duplicates"][key])
        return plain

    def markdown(self) -> str:
        """Return the report for people."""
        return "\n".join(_markdown(self)) + "\n"


def make_report(spec: DatasetSpec, source: str, listing: str, scan: Scan, content: Content) -> Report:
    """Put the report together; `listing` is the digest of the folder's names and sizes.

    The published counts are compared for real data only; an incomplete copy is one in which a part has fewer
    than `spec.complete_from` x the smallest published number of images.
    """
    duplicates = find_duplicates(content)
    measured = measure(content, duplicates, scan)
    if any(entry.valid_queries for entry in spec.counts):
        measured[VALID] = _valid_queries(spec, content)
    counts = compare_counts(spec.counts, measured) if source == "real" else []
    incomplete = [] if COUNTS in spec.allow else list(_short(counts, spec.complete_from))
    damaged = any(not damage.allowed for damage in content.damage)
    kept = [record for record, kept in zip(content.records, content.kept, strict=True) if kept]
    train = {record.pid for record in kept if record.split == "train"}
    test = {record.pid for record in kept if record.split != "train"}
    return Report(
        title=spec.title,
        source=source,
        listing=listing,
        status="damaged" if damaged else "incomplete" if incomplete else "verified",
        measured=measured,
        sizes=_sizes(content),
        counts=counts,
        incomplete=incomplete,
        damage=content.damage,
        unlisted=scan.unlisted,
        repeated=scan.repeated,
        duplicates=duplicates,
        identities_in_train_and_test=sorted(train & test),
        remarks=scan.remarks,
        identities=scan.identities,
    )


def measure(content: Content, duplicates: Duplicates, scan: Scan) -> dict[str, int]:
    """Return the sizes of the dataset and of its parts, under the names used for published counts.

    "images" counts a query that is a copy of a gallery image once, as the publications do.
    """
    kept = [record for record, kept in zip(content.records, content.kept, strict=True) if kept]
    parts: dict[str, list[Record]] = {
        split: [record for record in kept if record.split == split] for split in SPLITS
    }
    for name in sorted({name for record in kept for name in record.lists}):
        parts[f"list {name}"] = [record for record in kept if name in record.lists]
    result = {
        "images": len(kept) - duplicates.query_copies,
        "identities": len({record.pid for record in kept}),
        "cameras": len({record.camid for record in kept} - {NO_CAMERA}),
    }
    if scan.files is not None:
        result["files"] = scan.files
    for name, records in parts.items():
        result[f"{name} images"] = len(records)
        result[f"{name} identities"] = len({record.pid for record in records})
    return result


def compare_counts(counts: Sequence[Counts], measured: dict[str, int]) -> list[Compared]:
    """Set each measured quantity against every source that states it."""
    stated: dict[str, list[dict[str, Any]]] = {}
    for entry in counts:
        for what, value in _quantities(entry):
            stated.setdefault(what, []).append({"value": value, "source": entry.source})
    return [
        Compared(
            what=what,
            measured=measured.get(what, 0),
            published=published,
            agrees=any(entry["value"] == measured.get(what, 0) for entry in published),
        )
        for what, published in stated.items()
    ]


def valid_queries(protocol: Protocol, labels: Labels) -> int:
    """Return how many queries of a protocol's first trial have a match left: those that rates are means over.

    Raises:
        UserError: the protocol has no query or no gallery.
    """
    first = next(trials(protocol, labels))
    return int(np.count_nonzero(~count_matches(protocol, labels, first).lost))


def find_duplicates(content: Content) -> Duplicates:
    """Group the kept files that have equal bytes."""
    copies = 0
    same_identity, different_identities, train_and_test = [], [], []
    for rows in _equal_rows(content):
        records = [content.records[row] for row in rows]
        names = [record.path for record in records]
        splits = sorted(record.split for record in records)
        on_both_sides = "train" in splits and set(splits) != {"train"}
        if on_both_sides:
            train_and_test.append(names)
        if len({record.pid for record in records}) > 1:
            different_identities.append(names)
        elif splits == ["gallery", "query"]:
            copies += 1
        elif not on_both_sides:
            same_identity.append(names)
    return Duplicates(copies, same_identity, different_identities, train_and_test)


def _valid_queries(spec: DatasetSpec, content: Content) -> int:
    """Return how many queries the dataset's first protocol leaves a match; 0 without queries or gallery."""
    kept = [record for record, kept in zip(content.records, content.kept, strict=True) if kept]
    if not {"query", "gallery"} <= {record.split for record in kept}:
        return 0
    labels = Labels(
        pids=np.array([record.pid for record in kept]),
        camids=np.array([record.camid for record in kept]),
        splits=np.array([record.split for record in kept]),
        lists={
            name: np.array([name in record.lists for record in kept])
            for name in {name for record in kept for name in record.lists}
        },
    )
    return valid_queries(spec.protocols[0], labels)


def _equal_rows(content: Content) -> Iterator[list[int]]:
    rows = np.flatnonzero(content.kept)
    words = np.ascontiguousarray(content.digests[rows]).view(np.uint64)  # (n, 4)
    if not len(rows):
        return
    order = np.lexsort(words.T[::-1])
    change = np.any(words[order][1:] != words[order][:-1], axis=1)
    bounds = np.concatenate([[0], np.flatnonzero(change) + 1, [len(order)]])
    for group in np.flatnonzero(np.diff(bounds) > 1):
        yield sorted(int(rows[n]) for n in order[bounds[group] : bounds[group + 1]])


def _quantities(entry: Counts) -> Iterator[tuple[str, int]]:
    for what in ("images", "identities", "cameras", "files"):
        value = getattr(entry, what)
        if value is not None:
            yield what, value
    if entry.valid_queries is not None:
        yield VALID, entry.valid_queries
    parts: dict[str, Published | None] = {split: getattr(entry, split) for split in SPLITS}
    parts |= {f"list {name}": part for name, part in entry.lists.items()}
    for name, part in parts.items():
        if part is not None and part.images is not None:
            yield f"{name} images", part.images
        if part is not None and part.identities is not None:
            yield f"{name} identities", part.identities


def _short(counts: list[Compared], share: float) -> Iterator[str]:
    for compared in counts:
        smallest = min(entry["value"] for entry in compared.published)
        if compared.what.endswith(("images", "files")) and compared.measured < share * smallest:
            yield f"{compared.what}: {compared.measured} instead of {smallest}"


def _sizes(content: Content) -> dict[str, list[int]]:
    sizes = content.sizes[content.kept]
    if not len(sizes):
        return {}
    names = ("width", "height")
    return {
        name: [int(x) for x in (values.min(), np.median(values), values.max())]
        for name, values in zip(names, sizes.T, strict=True)
    }


def _cut(things: list[Any]) -> dict[str, Any]:
    return {"number": len(things), "first": things[:NAMED]}


def _markdown(report: Report) -> Iterator[str]:
    yield f"# {report.title} ({report.source}): {report.status}"
    yield ""
    if report.status != "verified":
        yield report.complaint()
        yield ""
    yield "| quantity | found | published |"
    yield "| --- | ---: | --- |"
    compared = {entry.what: entry for entry in report.counts}
    for what, value in report.measured.items():
        yield f"| {what} | {value:,} | {_published(compared.get(what))} |"
    for what, entry in compared.items():
        if what not in report.measured:
            yield f"| {what} | 0 | {_published(entry)} |"
    yield ""
    for name, (low, middle, high) in report.sizes.items():
        yield f"- {name}: {low} to {high} pixels, median {middle}"
    yield f"- queries that are copies of gallery images: {report.duplicates.query_copies:,}"
    yield ""
    for heading, things in _findings(report):
        if things:
            yield f"## {heading}: {len(things):,}"
            yield ""
            yield from (f"- {thing}" for thing in things[:NAMED])
            if len(things) > NAMED:
                yield f"- … and {len(things) - NAMED:,} more"
            yield ""


def _published(entry: Compared | None) -> str:
    if entry is None:
        return ""
    texts = [f"{one['value']:,} ({one['source']})" for one in entry.published]
    return ("" if entry.agrees else "**differs**: ") + "; ".join(texts)


def _findings(report: Report) -> list[tuple[str, list[str]]]:
    def groups(of: list[list[str]]) -> list[str]:
        return [" = ".join(names) for names in of]

    return [
        ("Remarks", report.remarks),
        ("Missing or damaged files", [str(d) for d in report.damage if not d.allowed]),
        ("Missing or damaged files that are allowed", [str(d) for d in report.damage if d.allowed]),
        ("Files that no list names", report.unlisted),
        ("Repeated list lines, dropped", report.repeated),
        ("Equal files under different identities", groups(report.duplicates.different_identities)),
        ("Equal files in train and test", groups(report.duplicates.train_and_test)),
        ("Equal files within an identity", groups(report.duplicates.same_identity)),
        ("Identities in both train and test", [str(pid) for pid in report.identities_in_train_and_test]),
    ]
