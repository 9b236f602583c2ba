"""Measures evaluation against the matrix product it cannot do without, and against other libraries.

    python benchmarks/evaluation.py [--skip-large] [--repeats 7]
    python benchmarks/evaluation.py --walk [--memory 6]

`--walk` goes from 1,000 to 1,000,000 gallery images at 512 and at 2,048 columns, in processor time on one
core, as far as the features fit into `--memory` GiB.

Every ratio is the median over pairs that are measured one right after the other, so that a busy machine slows
both. The features are random points around one centre per identity. A library that is not installed is named
as absent; open-metric-learning is looked for like the others and need not be in the project's environment
(PYTHONPATH will do).
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from vreid.evaluation.bootstrap import difference_interval
from vreid.evaluation.evaluate import Method, evaluate_arrays
from vreid.evaluation.metrics import PerQuery, cmc
from vreid.evaluation.ranking import Groups, rank_matches
from vreid.evaluation.reranking import Reranking

COLUMNS = 2048
CAMERAS = 20
MIB = 1 << 20
WHOLE = "features to all metrics / bare float32 product"

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Problem:
    """Features and labels of a test set."""

    query: Floats
    gallery: Floats
    ids: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
    cams: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]

    @classmethod
    def of_size(cls, queries: int, gallery: int, identities: int, columns: int = COLUMNS) -> "Problem":
        """Draw a problem with the seed 0; mAP is about a half."""
        rng = np.random.default_rng(0)
        centres = rng.standard_normal((identities, columns), dtype=np.float32)
        ids = rng.integers(identities, size=queries), rng.integers(identities, size=gallery)
        cams = rng.integers(CAMERAS, size=queries), rng.integers(CAMERAS, size=gallery)
        features = []
        for part in ids:
            drawn = rng.standard_normal((len(part), columns), dtype=np.float32)
            for start in range(0, len(part), 1024):
                drawn[start : start + 1024] += 0.28 * centres[part[start : start + 1024]]
            features.append(drawn)
        return cls(features[0], features[1], ids, cams)

    def evaluate(self, method: Method | None = None) -> float:
        """Return mAP from features to all metrics under the VeRi rule."""
        result = evaluate_arrays(
            self.query, self.gallery, *self.ids, *self.cams, protocol="veri776", method=method
        )
        return result["mAP"] + 0 * result.cmc[0]

    def product(self) -> Floats:
        """Return the bare product that every evaluation needs."""
        return self.query @ self.gallery.T

    def blocks(self) -> None:
        """Compute the bare product for 512 queries at a time, where the whole would not fit into memory."""
        for start in range(0, len(self.query), 512):
            self.query[start : start + 512] @ self.gallery.T


class GivenKeys:
    """A matrix of distances that is there already, for measuring ranking and metrics alone."""

    def __init__(self, distances: Floats) -> None:
        self._distances, self.shape, self.dtype = distances, distances.shape, distances.dtype
        self.budget = 256 * MIB

    def products(self, start: int, stop: int) -> Floats:
        """Return a block of the distances."""
        return self._distances[start:stop]

    def order(self, product: Floats, out: Floats) -> None:
        """Copy it, as the ranking changes what it gets."""
        out[...] = product

    def block_rows(self, spare: int) -> int:
        """Return the queries per block."""
        return 768


def timed(work: Callable[[], object]) -> float:
    """Return the wall time of one call in seconds."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def paired(
    first: Callable[[], object], second: Callable[[], object], repeats: int
) -> tuple[float, float, float]:
    """Return the median time of each and the median of the ratios first / second, measured in turns."""
    pairs = [(timed(first), timed(second)) for _ in range(repeats)]
    ratios = [one / other for one, other in pairs]
    return (*(statistics.median(times) for times in zip(*pairs, strict=True)), statistics.median(ratios))


def against_the_product(problem: Problem, repeats: int) -> tuple[str, float]:
    """Return (what was measured, ratio) of a whole evaluation to the bare product."""
    problem.evaluate()
    ours, bare, ratio = paired(problem.evaluate, problem.product, repeats)
    return f"{ours:.2f} s / {bare:.2f} s", ratio


def peak_memory(size: tuple[int, int, int], columns: int = COLUMNS) -> float:
    """Return the MiB that an evaluation needs above its features, measured in a fresh process."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(_peak, (size, columns))


def _peak(size: tuple[int, int, int], columns: int) -> float:
    small = Problem.of_size(50, 200, 10, 16)
    small.evaluate()
    problem = Problem.of_size(*size, columns)
    Path("/proc/self/clear_refs").write_text("5")
    before = _status("VmRSS")
    problem.evaluate()
    return (_status("VmHWM") - before) / 1024


def _status(key: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key))


def peers(problem: Problem) -> dict[str, Callable[[Floats], float] | str]:
    """Return, by library, a function from distances to mAP without junk, or why there is none."""
    query_ids, gallery_ids = problem.ids

    def scikit_learn() -> Callable[[Floats], float]:
        from sklearn.metrics import average_precision_score  # noqa: PLC0415 -- may be absent

        def work(distances: Floats) -> float:
            pairs = zip(query_ids, distances, strict=True)
            return float(np.mean([average_precision_score(gallery_ids == one, -row) for one, row in pairs]))

        return work

    def pytorch_metric_learning() -> Callable[[Floats], float]:
        import torch  # noqa: PLC0415 -- may be absent
        from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator  # noqa: PLC0415 -- may be absent

        labels = [torch.from_numpy(ids) for ids in problem.ids]
        empty = [torch.zeros(len(ids), 1) for ids in problem.ids]

        def work(distances: Floats) -> float:
            def nearest(_query: object, count: int, *_: object) -> tuple[object, object]:
                found = torch.topk(torch.from_numpy(distances), count, largest=False)
                return found.values, found.indices

            calculator = AccuracyCalculator(
                include=("mean_average_precision", "precision_at_1"),
                knn_func=nearest,
                device=torch.device("cpu"),
            )
            found = calculator.get_accuracy(empty[0], labels[0], empty[1], labels[1])
            return float(found["mean_average_precision"])

        return work

    def open_metric_learning() -> Callable[[Floats], float]:
        import torch  # noqa: PLC0415 -- may be absent
        from oml.functional.metrics import calc_retrieval_metrics  # noqa: PLC0415 -- may be absent

        matching = [torch.from_numpy(np.flatnonzero(gallery_ids == one)) for one in query_ids]

        def work(distances: Floats) -> float:
            count = distances.shape[1]
            order = torch.topk(torch.from_numpy(distances), count, largest=False).indices
            found = calc_retrieval_metrics(
                list(order),
                matching,
                cmc_top_k=(1, 5, 10),
                precision_top_k=(),
                map_top_k=(count,),
                verbose=False,
            )
            return float(found["map"][count])

        return work

    found: dict[str, Callable[[Floats], float] | str] = {}
    for make in (scikit_learn, pytorch_metric_learning, open_metric_learning):
        name = make.__name__.replace("_", "-")
        try:
            found[name] = make()
        except ImportError as error:
            found[name] = f"absent ({error})"
    return found


def against_peers(problem: Problem, repeats: int) -> list[tuple[str, str, str]]:
    """Return (library, times, ratio) of ranking and metrics from given distances, on one thread."""
    distances = -(problem.query @ problem.gallery.T)
    groups = Groups(*problem.ids)

    def ours() -> float:
        per_query = PerQuery.empty(len(distances))
        rank_matches(GivenKeys(distances), groups, per_query.record, 1)
        cmc(per_query.first_match_rank)
        return float(per_query.ap.mean())

    rows = []
    for name, work in peers(problem).items():
        if isinstance(work, str):
            rows.append((name, work, ""))
            continue
        with threadpool_limits(1), one_torch_thread():
            if abs(work(distances) - ours()) > 1e-4:
                rows.append((name, "finds another mAP", ""))
                continue
            mine, theirs, ratio = paired(ours, lambda work=work: work(distances), repeats)
        rows.append((name, f"{mine:.3f} s / {theirs:.3f} s", f"{ratio:.4f} (1 / {1 / ratio:.0f})"))
    return rows


class one_torch_thread:  # noqa: N801 -- reads as a with-statement
    """One thread in torch, if it was imported."""

    def __enter__(self) -> None:
        if torch := sys.modules.get("torch"):
            self._before = torch.get_num_threads()
            torch.set_num_threads(1)

    def __exit__(self, *_: object) -> None:
        if torch := sys.modules.get("torch"):
            torch.set_num_threads(getattr(self, "_before", torch.get_num_threads()))


def growth(repeats: int) -> tuple[str, float, str]:
    """Return times, their ratio and the memory when queries and gallery both double."""
    sizes = (2000, 20_000, 400), (4000, 40_000, 400)
    small, large = (Problem.of_size(*size) for size in sizes)
    slow, fast, ratio = paired(large.evaluate, small.evaluate, repeats)
    memory = [peak_memory(size) for size in sizes]
    return f"{slow:.2f} s / {fast:.2f} s", ratio, f"{memory[0]:.0f} MiB, then {memory[1]:.0f} MiB"


def veri_size(table: Table, repeats: int) -> None:
    """Measure everything at the size of VeRi-776."""
    problem = Problem.of_size(1678, 11_579, 200)
    times, ratio = against_the_product(problem, repeats)
    table.add_row("VeRi size, 1,678 x 11,579", WHOLE, times, f"{ratio:.2f}", "1.3")
    for name, found, against in against_peers(problem, min(repeats, 3)):
        table.add_row("VeRi size, one thread", f"ranking + metrics / {name}", found, against, "1")
    scores = np.random.default_rng(0).random((2, 1678))
    seconds = timed(lambda: difference_interval(scores[0], scores[1], problem.ids[0]))
    table.add_row("VeRi size", "paired bootstrap, 10,000 resamples", f"{seconds:.2f} s", "", "seconds")
    seconds = timed(lambda: problem.evaluate(Method(reranking=Reranking())))
    table.add_row("VeRi size", "k-reciprocal re-ranking to all metrics", f"{seconds:.1f} s", "", "")


def vru_size(table: Table, repeats: int) -> None:
    """Measure time and memory at the size of VRU's largest list."""
    size = (8000, 83_595, 8000)
    times, ratio = against_the_product(Problem.of_size(*size), min(repeats, 3))
    table.add_row("VRU-large size, 8,000 x 83,595", WHOLE, times, f"{ratio:.2f}", "1.3")
    memory = f"{peak_memory(size):.0f} MiB"
    table.add_row("VRU-large size", "peak memory above the features", memory, "", "1024 MiB")


def walk(gib: float, repeats: int) -> Table:
    """Measure galleries of growing size: the ratio must not hang on the size that blocks were chosen for."""
    table = Table(title="Evaluation against the bare product, processor time on one core")
    for heading in (
        "gallery",
        "columns",
        "queries",
        "matches",
        "ms a query",
        "bare product",
        "ratio",
        "at most",
    ):
        table.add_column(heading, justify="right")
    for columns in (512, 2048):
        for gallery in (1000, 10_000, 50_000, 200_000, 600_000, 1_000_000):
            # Enough queries that checking the gallery, once an evaluation, is as little as in a test set.
            queries = 2048 if gallery <= 10_000 else 512
            size = f"{gallery:,}", f"{columns:,}", f"{queries:,}"
            need = 4 * columns * (gallery + queries) / 2**30
            if need > gib:
                table.add_row(*size, "", "", "", f"needs {need:.1f} GiB", "1.5")
                continue
            for matches in (10, 100):
                problem = Problem.of_size(queries, gallery, gallery // matches, columns)
                found = [(cpu(problem.evaluate), cpu(problem.blocks)) for _ in range(repeats)]
                one, other = sorted(found, key=lambda times: times[0] / times[1])[repeats // 2]
                each = f"{1000 * one / queries:.3f}", f"{1000 * other / queries:.3f}"
                table.add_row(*size, str(matches), *each, f"{one / other:.2f}", "1.5")
    return table


def cpu(work: Callable[[], object]) -> float:
    """Return the processor time of one call in seconds, with the linear algebra on one thread."""
    with threadpool_limits(1):
        start = time.process_time()
        work()
        return time.process_time() - start


def main() -> None:
    """Measure, and print everything as one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--skip-large", action="store_true", help="leave VRU-large out (minutes, 5 GiB)")
    parser.add_argument("--repeats", type=int, default=7, help="pairs per ratio; 3 at most at the large size")
    parser.add_argument("--walk", action="store_true", help="measure galleries of growing size instead")
    parser.add_argument("--memory", type=float, default=6.0, help="GiB that features may take in the walk")
    options = parser.parse_args()
    if options.walk:
        Console(width=130).print(walk(options.memory, options.repeats))
        return
    table = Table(title="Evaluation, measured side by side")
    for heading in ("problem", "measure", "found", "ratio", "at most"):
        table.add_column(heading)
    veri_size(table, options.repeats)
    times, ratio, memory = growth(options.repeats)
    table.add_row("2,000 x 20,000 doubled", "time / time before", times, f"{ratio:.2f}", "4 +- 15 %")
    table.add_row("2,000 x 20,000 doubled", "memory above the features", memory, "", "unchanged")
    if not options.skip_large:
        vru_size(table, options.repeats)
    Console(width=130).print(table)


if __name__ == "__main__":
    main()
