"""What `snakemake --report` tells of each report: title, caption, and always how our numbers were made."""

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from vreid.params.plan import Plan
from vreid.reporting.figures.kinds import shown_seeds

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
    made = {paper: _made(plan, said.seeds) for paper, said in plan.claims.items()}
    for key, table in plan.tables.items():
        yield f"tables/{key}", Caption(table.title, table.caption, made[table.paper], table.citation)
    for key, figure in plan.figures.items():
        on = _made(plan, shown_seeds(figure.spec.kind, figure.seeds))
        yield f"figures/{key}", Caption(figure.title, figure.caption, on, figure.citation)
    for paper, said in plan.claims.items():
        for name, title in (
            (f"claims/{paper}", "Claims"),
            (f"deviations/{paper}", "Deviations"),
            (f"papers/{paper}", "Everything on one page"),
        ):
            yield name, Caption(title, said.title, made[paper], said.citation)
    for run in plan.runs.values():
        on = _made(plan, (run.config.seed,))
        caption = Caption("Audit", run.name, on, plan.claims_of(run.paper).citation)
        yield f"audits/{run.name}/audit", caption
    for page in ("all_tables", "claims"):
        yield page, Caption(plan.pages[page].title, "", ours(plan))
    for dataset in plan.datasets.values():
        of_data = f"{dataset.source} data, version {dataset.version}"
        yield f"datasets/{dataset.version}", Caption(dataset.spec.title, "", of_data)


def _made(plan: Plan, seeds: tuple[int, ...]) -> str:
    """Say on what it was made; without seeds no network has made it."""
    named = f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}" if seeds else ""
    return "; ".join(filter(None, [ours(plan), named]))
