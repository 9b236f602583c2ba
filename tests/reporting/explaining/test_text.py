"""The text of an explanation."""

import io

from rich.console import Console
from tests.reporting.explaining.conftest import CLAIMS, PAPER, TABLE

from vreid.reporting.explaining.explain import explain
from vreid.reporting.explaining.text import show


def printed(world, target):
    out = io.StringIO()
    show(
        explain(target, lambda preset: world.plan, world.root), Console(file=out, width=10_000, markup=False)
    )
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_a_cell_reads_from_the_number_to_the_checks(finished_world):
    lines = printed(finished_world, f"{TABLE}.csv:1:mAP")
    assert lines[0] == f"{PAPER}, Table 1, row 1 (Baseline), mAP"
    # sd of 50 and 56.25: 6.25 / sqrt(2) = 4.42
    assert "  ours     53.13 (sd 4.42, 2 seeds; -15.4 from the paper's, as printed)" in lines
    assert "  by seed  50.00, 56.25" in lines
    assert any("synthetic data; preset demo" in line for line in lines)
    first = lines.index(f"run {finished_world.run('baseline', 0)}")
    second = lines.index(f"run {finished_world.run('baseline', 1)}")
    assert any("input.height: 64 (paper: 256)" in line for line in lines[first:second])
    of_second = lines[second:]
    assert "  the rest  is that of the run above" in of_second
    assert not any("input.height" in line for line in of_second)
    assert lines[-1] == "Everything that was checked agrees."


def test_a_claim_names_its_sides(finished_world):
    lines = printed(finished_world, f"{CLAIMS}.json:proposed-over-baseline")
    proposed = "Optimized DenseNet121 + RE + focal loss"
    assert f"  compared  {proposed} (68.75) over Baseline (53.13), mAP, veri776" in lines
    assert any(line.startswith("  ours      +15.6") and "95 % interval" in line for line in lines)


def test_mismatches_are_counted_and_control_characters_are_not_obeyed(world):
    path = world.root / f"{TABLE}.json"
    path.write_text(path.read_text().replace('"label": "Baseline"', '"label": "Base\\u001b[2Jline"'))
    lines = printed(world, f"{TABLE}.json:1:mAP")
    assert lines[-1] == "1 mismatch."
    assert lines[0] == f"{PAPER}, Table 1, row 1 (Base�[2Jline), mAP"
    assert "\x1b" not in "".join(lines)
    assert any(line.startswith("  MISMATCH  params/papers/se_densenet.yaml has 'Baseline'") for line in lines)
