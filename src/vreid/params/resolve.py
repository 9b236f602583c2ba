"""Resolves params/ for one preset into the plan."""

import gc
import os
from collections.abc import Mapping
from pathlib import Path

from vreid.params.errors import UserError
from vreid.params.fingerprint import code_digest, digest_of, files_digest, remember
from vreid.params.paper import Paper
from vreid.params.plan import PagePlan, Plan
from vreid.params.planning.datasets import Datasets
from vreid.params.planning.recipes import Recipes
from vreid.params.planning.reports import Reports
from vreid.params.planning.runs import Runs
from vreid.params.preset import read_preset, workflow_settings
from vreid.params.read import named_files, read_yaml, suggest, validate


def load(params: Path = Path("params"), preset: str | None = None, *, all_present: bool = False) -> Plan:
    """Read `params/` and resolve it for `preset` (the one in params/workflow.yaml when None).

    With `all_present` datasets count as being in place that are not: a plan to reckon with, not to carry out.

    Raises:
        UserError: anything in params/ that is misspelt, of a wrong type, contradictory or missing.
    """
    if preset is None:
        preset = workflow_settings(read_yaml(params / "workflow.yaml"), params).preset
    collecting = gc.isenabled()
    gc.disable()  # nearly all that is made here is kept; to look for garbage takes a fifth of the time
    try:
        plan = _Resolver(params, preset, all_present).plan()
    finally:
        if collecting:
            gc.enable()
    remember()
    return plan


class _Resolver:
    """Holds what is read from params/ while the plan is put together."""

    def __init__(self, params: Path, preset: str, all_present: bool) -> None:
        self.name = preset
        self.file = params / "presets" / f"{preset}.yaml"
        self.preset = read_preset(self.file.parent, preset)
        files = named_files(params / "papers")
        self.papers = {name: validate(Paper, read_yaml(path), str(path)) for name, path in files.items()}
        self.datasets = Datasets(params / "datasets", self.preset, self.file, all_present=all_present)
        self._check_names()
        self.runs = Runs(self.datasets, self.preset.says)
        self.recipes = {
            name: Recipes(name, paper, files[name], self.preset, self.file)
            for name, paper in self.papers.items()
        }
        self.reports = {
            name: Reports(recipes, self.datasets, self.runs, self.name, self.preset)
            for name, recipes in self.recipes.items()
        }

    def plan(self) -> Plan:
        for recipes in self.recipes.values():
            recipes.check()
        for reports in self.reports.values():
            reports.want()
        for name, recipes in self.recipes.items():
            recipes.check_stems(self.runs.asked(name))
        self.runs.close()
        tables = {name: reports.tables() for name, reports in self.reports.items()}
        figures = {name: reports.figures() for name, reports in self.reports.items()}
        claims = {name: reports.claims() for name, reports in self.reports.items()}
        audited = {name: run for name in self.papers if (run := self._main_run(name)) is not None}
        digests = {
            f"tables/{p}/{key}": plan.digest for p, plans in tables.items() for key, plan in plans.items()
        }
        digests |= {
            f"figures/{p}/{key}": plan.digest for p, plans in figures.items() for key, plan in plans.items()
        }
        digests |= {f"claims/{name}": plan.digest for name, plan in claims.items()}
        digests |= {f"audits/{run}/audit": self.runs.planned[run].audit for run in audited.values()}
        return Plan(
            preset=self.name,
            preset_label=self.preset.says,
            datasets={name: self.runs.dataset(name) for name in self.datasets.files},
            runs=self.runs.planned,
            tables={f"{p}/{key}": plan for p, plans in tables.items() for key, plan in plans.items()},
            figures={f"{p}/{key}": plan for p, plans in figures.items() for key, plan in plans.items()},
            claims=claims,
            pages=self._pages(digests, audited),
            site=self._site(digests, audited),
            audits=tuple(audited.values()),
            tracking=self._tracking(),
        )

    def _main_run(self, paper: str) -> str | None:
        """Return the run of a paper's main experiment with its first seed, if there is one and its data."""
        run = self.runs.first_of(paper, self.papers[paper].main)
        return run.name if run and self.datasets.get(run.config.dataset).present else None

    def _tracking(self) -> str:
        evaluations = [test.evaluation for run in self.runs.planned.values() for test in run.tests]
        return digest_of([evaluations, os.environ.get("MLFLOW_TRACKING_URI", "")], 16)

    def _pages(self, digests: Mapping[str, str], audited: Mapping[str, str]) -> dict[str, PagePlan]:
        """One page for each paper, and one for all; `digests` are those of the parts, by path."""
        code = code_digest(["vreid.reporting.collect"])
        parts = {name: self._parts(name, digests, audited) for name in self.papers}
        pages = {f"papers/{name}": (self.papers[name].paper.citation(), of) for name, of in parts.items()}
        every = [part for of in parts.values() for part in of]
        pages["all_tables"] = ("All tables", [part for part in every if part.startswith("tables/")])
        pages["claims"] = ("All claims", [part for part in every if part.startswith("claims/")])
        return {
            page: PagePlan(
                title=title,
                parts=tuple(of),
                digest=digest_of([title, [digests[part] for part in of], code], 16),
            )
            for page, (title, of) in pages.items()
        }

    def _site(self, digests: Mapping[str, str], audited: Mapping[str, str]) -> PagePlan:
        """Plan the page of everything; it also shows what MLflow calls the runs."""
        parts = [part for name in self.papers for part in self._parts(name, digests, audited)]
        code = [code_digest(["vreid.reporting.site.build"]), files_digest("vreid.reporting.site")]
        made_of = [[digests[part] for part in parts], self._tracking(), code]
        return PagePlan(
            title="Vehicle re-identification papers, regenerated",
            parts=tuple(parts),
            digest=digest_of(made_of, 16),
        )

    def _parts(self, paper: str, digests: Mapping[str, str], audited: Mapping[str, str]) -> list[str]:
        """Name the parts of a paper's page in their order."""
        kinds = (f"tables/{paper}/", f"figures/{paper}/", f"claims/{paper}")
        parts = [part for kind in kinds for part in digests if part.startswith(kind)]
        return parts + ([f"audits/{audited[paper]}/audit"] if paper in audited else [])

    def _check_names(self) -> None:
        for section, folder, known in (
            ("papers", "papers", self.papers),
            ("datasets", "datasets", self.datasets.files),
            ("packs", "datasets", self.datasets.files),
        ):
            for name in getattr(self.preset, section):
                if name not in known:
                    raise UserError(
                        f"{self.file}: `{section}.{name}`: params/{folder}/ has no {name}.yaml"
                        f"{suggest(name, list(known))}."
                    )
