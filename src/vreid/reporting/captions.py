"""What `snakemake --report` tells of each report: title, caption, and always how our numbers were made."""

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from vreid.params.plan import Plan

LONGEST_NAME = 64
"""Characters: the list in Snakemake's report is as wide as the longest name; captions have them whole."""


@dataclass(frozen=True)
class Caption:
    """`ours` says on which data and with which preset it was made; `citation` names its paper, if any."""

    title: str
    says: str
    ours: str
    citation: str = ""

    @property
    def name(self) -> str:
        """Title and caption on one line, cut at a word."""
        return textwrap.shorten(
            ": ".join(filter(None, (self.title, self.says))), LONGEST_NAME, placeholder=" …"
        )

    @property
    def source(self) -> str:
        """The kind of data, synthetic or real."""
        return self.ours.partition(" ")[0]

    def escaped(self) -> dict[str, str]:
        """Return its texts as reStructuredText."""
        return {key: escaped(value) for key, value in vars(self).items()}


def captions(plan: Plan) -> dict[str, Caption]:
    """Return the caption of each report by its name below reports/."""
    return dict(_captions(plan))


def ours(plan: Plan) -> str:
    """Say on which data and with which preset a plan's numbers are made."""
    sources = sorted({said.source for said in plan.claims.values()})
    return f"{' and '.join(sources)} data; preset {plan.preset} ({plan.preset_label})"


def escaped(text: str) -> str:
    """Return one line of reStructuredText that reads as `text`."""
    return re.sub(r"([^\w\s])", r"\\\1", " ".join(text.split()))


def _captions(plan: Plan) -> Iterator[tuple[str, Caption]]:
    made = {paper: f"{ours(plan)}; {_seeds(said.seeds)}" for paper, said in plan.claims.items()}
    for kind, reports in (("tables", plan.tables), ("figures", plan.figures)):
        for key, report in reports.items():
            caption = Caption(report.title, report.caption, made[report.paper], report.citation)
            yield f"{kind}/{key}", caption
    for paper, said in plan.claims.items():
        for name, title in (
            (f"claims/{paper}", "Claims"),
            (f"deviations/{paper}", "Deviations"),
            (f"papers/{paper}", "Everything on one page"),
        ):
            yield name, Caption(title, said.title, made[paper], said.citation)
    for run in plan.runs.values():
        caption = Caption("Audit", run.name, made[run.paper], plan.claims_of(run.paper).citation)
        yield f"audits/{run.name}/audit", caption
    for page in ("all_tables", "claims"):
        yield page, Caption(plan.pages[page].title, "", ours(plan))
    for dataset in plan.datasets.values():
        of_data = f"{dataset.source} data, version {dataset.version}"
        yield f"datasets/{dataset.version}", Caption(dataset.spec.title, "", of_data)


def _seeds(seeds: tuple[int, ...]) -> str:
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"
